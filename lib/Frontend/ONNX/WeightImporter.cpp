#include "WeightImporter.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"
#include "dialects/ONNX/TensorProto.h"

#include "onnx/onnx_pb.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

static llvm::Error makeError(const Twine &message) { return llvm::createStringError(message); }

WeightImporter::WeightImporter(StringRef modelPath, const ImportOptions &options)
    : modelPath(modelPath), options(options),
      weights(std::make_unique<WeightStore>(options.storage)) {
  symbols.insert("main");
}

llvm::Expected<OnnxModel> WeightImporter::load() {
  llvm::Expected<uint32_t> file = weights.getStore().addFile(modelPath);
  if (!file)
    return file.takeError();
  OnnxWireLimits limits;
  limits.maxBytes = options.limits.maxBytes;
  limits.maxDepth = options.limits.maxMessageDepth;
  limits.maxNodes = options.limits.maxNodes;
  limits.maxInlineBytes = kMaxConstantBytes;
  llvm::Expected<OnnxSkeleton> scanned = scanOnnxModel(weights.getStore(), *file, limits);
  if (!scanned)
    return makeError("is no ONNX model that can be read: " + llvm::toString(scanned.takeError()));
  skeleton = std::move(*scanned);
  llvm::Expected<OnnxModel> model =
      loadOnnxModel(ArrayRef<char>(skeleton.bytes.data(), skeleton.bytes.size()), options.limits);
  skeleton.bytes = std::string();
  return model;
}

llvm::Expected<WeightRange> WeightImporter::resolveExternal(const ::onnx::TensorProto &tensor,
                                                            uint64_t size) {
  std::optional<StringRef> location, offsetText, lengthText;
  for (const auto &entry : tensor.external_data()) {
    std::optional<StringRef> *field = entry.key() == "location" ? &location
                                      : entry.key() == "offset" ? &offsetText
                                      : entry.key() == "length" ? &lengthText
                                                                : nullptr;
    if (!field)
      continue; // "checksum", and what runtimes add
    if (*field)
      return makeError("has the key '" + entry.key() + "' twice in its external data");
    *field = entry.value();
  }
  if (!location)
    return makeError("has external data without a location");
  uint64_t offset = 0, length = size;
  if (offsetText && offsetText->getAsInteger(10, offset))
    return makeError("has the offset '" + *offsetText + "', expected a number of bytes");
  if (lengthText && lengthText->getAsInteger(10, length))
    return makeError("has the length '" + *lengthText + "', expected a number of bytes");
  if (length != size)
    return makeError("has " + Twine(length) + " bytes of external data, but its shape needs " +
                     Twine(size));
  if (!directory) {
    ExternalDataOptions directoryOptions;
    directoryOptions.allowLinkedWeights = options.allowLinkedWeights;
    directoryOptions.maxFiles = options.limits.maxExternalFiles;
    llvm::Expected<ExternalDataDirectory> opened =
        ExternalDataDirectory::ofModel(modelPath, directoryOptions);
    if (!opened)
      return opened.takeError();
    directory.emplace(std::move(*opened));
  }
  llvm::Expected<uint32_t> file = directory->open(weights.getStore(), *location);
  if (!file)
    return file.takeError();
  return WeightRange{*file, offset, length};
}

llvm::Expected<WeightRange> WeightImporter::resolve(const ::onnx::TensorProto &tensor,
                                                    uint64_t size) {
  for (const auto &entry : tensor.external_data())
    if (entry.key() == "location")
      if (std::optional<uint32_t> payload = skeleton.payloadIndex(entry.value()))
        return skeleton.payloads[*payload].range;
  return resolveExternal(tensor, size);
}

StringAttr WeightImporter::declare(ModuleOp module, const WeightRange &range, RankedTensorType type,
                                   StringRef name, Location loc) {
  Key key{range.file, range.offset, range.length, type.getAsOpaquePointer()};
  StringAttr &symbol = declared[key];
  if (symbol)
    return symbol;
  StringRef file = weights.declare(module, range.file);
  symbols.insert(file);
  std::string unique = name.empty() ? "weight" : name.str();
  while (!symbols.insert(unique).second)
    unique = (name + "." + Twine(++suffixes[name])).str();
  symbol = StringAttr::get(module.getContext(), unique);
  OpBuilder builder(&module.getBody()->back()); // before the function
  moe::WeightDataOp::create(builder, loc, unique, file, range.offset, range.length, type,
                            IntegerAttr());
  return symbol;
}

llvm::Expected<Value> WeightImporter::import(OpBuilder &builder, ModuleOp module,
                                             const ::onnx::TensorProto &tensor, StringRef name,
                                             Location loc) {
  auto importConstant = [&](const ::onnx::TensorProto &tensor) -> llvm::Expected<Value> {
    llvm::Expected<DenseElementsAttr> value =
        moec::onnx::importTensor(builder.getContext(), tensor);
    if (!value)
      return value.takeError();
    return moec::onnx::ConstantOp::create(builder, loc, *value).getResult();
  };
  auto fail = [&](llvm::Error error) {
    return makeError("tensor '" + name + "' " + llvm::toString(std::move(error)));
  };
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL)
    return importConstant(tensor);
  Type elementType = moec::onnx::getElementType(builder.getContext(), tensor.data_type());
  if (!elementType || !elementType.isIntOrFloat())
    return fail(
        makeError("has element type " + Twine(tensor.data_type()) + ", which is not supported"));
  int64_t bits = elementType.isInteger(1) ? 8 : elementType.getIntOrFloatBitWidth();
  for (int64_t size : tensor.dims())
    if (size < 0 || llvm::MulOverflow(bits, size, bits))
      return fail(makeError("has sizes that no memory holds"));
  uint64_t size = llvm::divideCeil(static_cast<uint64_t>(bits), 8);
  llvm::Expected<WeightRange> range = resolve(tensor, size);
  if (!range)
    return fail(range.takeError());
  llvm::Expected<ArrayRef<char>> bytes = weights.getStore().bytes(*range);
  if (!bytes)
    return fail(bytes.takeError());
  if (size <= kMaxConstantBytes) {
    ::onnx::TensorProto constant;
    constant.set_name(tensor.name());
    constant.set_data_type(tensor.data_type());
    *constant.mutable_dims() = tensor.dims();
    constant.set_raw_data(bytes->data(), bytes->size());
    return importConstant(constant);
  }
  auto type = RankedTensorType::get({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())},
                                    elementType);
  StringAttr symbol = declare(module, *range, type, name, loc);
  return moe::WeightOp::create(builder, loc, type, symbol).getResult();
}
