#include "WeightImporter.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"
#include "dialects/ONNX/TensorProto.h"

#include "onnx/onnx_pb.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace moec;

static llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<OnnxModel> WeightImporter::load() {
  auto file =
      llvm::MemoryBuffer::getFile(modelPath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return makeError("cannot read '" + modelPath + "': " + file.getError().message());
  buffer = std::move(*file);
  return loadOnnxModel(ArrayRef(buffer->getBufferStart(), buffer->getBufferSize()), options.limits);
}

llvm::Expected<WeightImporter::File *> WeightImporter::openFile(ModuleOp module,
                                                                StringRef location) {
  auto [it, isNew] = files.try_emplace(location);
  if (!isNew)
    return &it->second;
  SmallString<256> path(llvm::sys::path::parent_path(modelPath));
  llvm::sys::path::append(path, location);
  llvm::sys::fs::make_absolute(path);
  uint64_t size;
  if (std::error_code error = llvm::sys::fs::file_size(path, size))
    return makeError("cannot open '" + path + "': " + error.message());
  it->second = {"file" + std::to_string(files.size() - 1), static_cast<int64_t>(size)};
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  moe::WeightFileOp::create(builder, module.getLoc(), it->second.symbol, path, size);
  return &it->second;
}

FailureOr<Value> WeightImporter::import(OpBuilder &builder, ModuleOp module,
                                        const ::onnx::TensorProto &tensor, Location loc) {
  auto fail = [&](llvm::Error error) {
    return emitError(loc) << "initializer '" << tensor.name()
                          << "': " << llvm::toString(std::move(error));
  };
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL) {
    llvm::Expected<DenseElementsAttr> value =
        moec::onnx::importTensor(builder.getContext(), tensor);
    if (!value)
      return fail(value.takeError());
    return moec::onnx::ConstantOp::create(builder, loc, *value).getResult();
  }
  Type elementType = moec::onnx::getElementType(builder.getContext(), tensor.data_type());
  if (!elementType || !elementType.isIntOrFloat())
    return fail(
        makeError("has element type " + Twine(tensor.data_type()) + ", which is not supported"));
  std::string location;
  int64_t offset = 0, length = -1;
  for (const auto &entry : tensor.external_data()) {
    StringRef value = entry.value();
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset" && value.getAsInteger(10, offset))
      return fail(makeError("has the offset '" + value + "', expected a number"));
    else if (entry.key() == "length" && value.getAsInteger(10, length))
      return fail(makeError("has the length '" + value + "', expected a number"));
  }
  llvm::Expected<File *> file = openFile(module, location);
  if (!file)
    return fail(file.takeError());
  int64_t bits = elementType.isInteger(1) ? 8 : elementType.getIntOrFloatBitWidth();
  for (int64_t size : tensor.dims())
    if (size < 0 || llvm::MulOverflow(bits, size, bits))
      return fail(makeError("has sizes that no memory holds"));
  int64_t bytes = llvm::divideCeil(bits, 8);
  if (length < 0)
    length = bytes;
  int64_t end;
  if (length != bytes || offset < 0 || llvm::AddOverflow(offset, length, end) ||
      end > (*file)->size)
    return fail(makeError("lies at [" + Twine(offset) + ", " + Twine(length) + "] of '" + location +
                          "' (" + Twine((*file)->size) + " bytes), and needs " + Twine(bytes) +
                          " bytes"));
  auto type = RankedTensorType::get({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())},
                                    elementType);
  unsigned &count = keys[tensor.name()];
  std::string key = tensor.name() + (count ? "." + std::to_string(count) : "");
  ++count;
  OpBuilder atModule(module.getContext());
  atModule.setInsertionPoint(builder.getInsertionBlock()->getParentOp());
  moe::WeightDataOp::create(atModule, loc, key, (*file)->symbol, offset, length, type,
                            IntegerAttr());
  return moe::WeightOp::create(builder, loc, type, key).getResult();
}
