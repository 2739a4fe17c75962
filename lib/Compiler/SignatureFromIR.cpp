#include "SignatureFromIR.h"

#include "passes/Conversion/Passes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace moec;

std::optional<moec_type> moec::getModelType(Type type) {
  if (type.isF32())
    return MOEC_FLOAT32;
  if (type.isF64())
    return MOEC_FLOAT64;
  if (type.isF16())
    return MOEC_FLOAT16;
  if (type.isBF16())
    return MOEC_BFLOAT16;
  // Codes: a byte each (passes/Conversion/ONNXToLinalg/Codes.h).
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8)
    return MOEC_UINT8;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return MOEC_BOOL;
  case 2:
  case 4:
  case 8:
    return isUnsigned ? MOEC_UINT8 : MOEC_INT8;
  case 16:
    return isUnsigned ? MOEC_UINT16 : MOEC_INT16;
  case 32:
    return isUnsigned ? MOEC_UINT32 : MOEC_INT32;
  case 64:
    return isUnsigned ? MOEC_UINT64 : MOEC_INT64;
  default:
    return std::nullopt;
  }
}

namespace {

class SignatureReader {
public:
  explicit SignatureReader(ModuleOp module) : module(module) {}

  FailureOr<Signature> read() {
    auto signature = module->getAttrOfType<DictionaryAttr>(kSignatureAttr);
    if (!signature)
      return module.emitError() << "has no '" << kSignatureAttr
                                << "': it has not gone through 'lower'";
    if (failed(readList(signature, "inputs", result.inputs)) ||
        failed(readList(signature, "outputs", result.outputs)) || failed(readStates(signature)))
      return failure();
    return result;
  }

private:
  LogicalResult readList(DictionaryAttr signature, StringRef what,
                         std::vector<TensorSignature> &into) {
    auto list = signature.getAs<ArrayAttr>(what);
    if (!list)
      return module.emitError() << "'" << kSignatureAttr << "' has no list of " << what;
    for (Attribute item : list) {
      auto entry = dyn_cast<DictionaryAttr>(item);
      auto name = entry ? entry.getAs<StringAttr>("name") : StringAttr();
      auto type = entry ? entry.getAs<TypeAttr>("type") : TypeAttr();
      auto dims = entry ? entry.getAs<ArrayAttr>("dims") : ArrayAttr();
      auto tensor = type ? dyn_cast<RankedTensorType>(type.getValue()) : RankedTensorType();
      if (!name || !tensor || !dims)
        return module.emitError() << "'" << kSignatureAttr << "' has the entry " << item << " in "
                                  << what;
      std::optional<moec_type> elementType = getModelType(tensor.getElementType());
      if (!elementType || tensor.getRank() > MOEC_MAX_RANK)
        return module.emitError() << "'" << name.getValue() << "' in the model's " << what
                                  << " has type " << tensor << ", which the C interface has not";
      TensorSignature described{name.str(), *elementType, {}};
      for (int64_t i = 0; i < tensor.getRank(); ++i)
        described.shape.push_back(readSize(tensor.getDimSize(i), dims, i));
      into.push_back(std::move(described));
    }
    return success();
  }

  LogicalResult readStates(DictionaryAttr signature) {
    auto list = signature.getAs<ArrayAttr>("states");
    if (!list)
      return success();
    std::vector<TensorSignature> tensors;
    if (failed(readList(signature, "states", tensors)))
      return failure();
    for (auto [tensor, item] : llvm::zip(tensors, list)) {
      auto entry = cast<DictionaryAttr>(item);
      auto output = entry.getAs<StringAttr>("output");
      auto axis = entry.getAs<IntegerAttr>("axis"), capacity = entry.getAs<IntegerAttr>("capacity");
      if (!output || !axis || !capacity)
        return module.emitError() << "'" << kSignatureAttr << "' has the state " << item;
      result.states.push_back({std::move(tensor), output.str(), axis.getInt()});
      result.stateCapacity = capacity.getInt();
    }
    return success();
  }

  int64_t readSize(int64_t size, ArrayAttr names, int64_t i) {
    if (!ShapedType::isDynamic(size))
      return size;
    auto name =
        i < static_cast<int64_t>(names.size()) ? dyn_cast<StringAttr>(names[i]) : StringAttr();
    int64_t fresh = result.symbols.size();
    if (!name || name.empty()) {
      result.symbols.push_back("");
      return -1 - fresh;
    }
    auto [known, isNew] = symbols.try_emplace(name.getValue(), fresh);
    if (isNew)
      result.symbols.push_back(name.str());
    return -1 - known->second;
  }

  ModuleOp module;
  Signature result;
  llvm::StringMap<int64_t> symbols;
};

} // namespace

FailureOr<Signature> moec::getSignature(ModuleOp module) { return SignatureReader(module).read(); }
