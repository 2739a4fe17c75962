#include "dialects/ONNX/ONNXOps.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace moec::onnx;

#define GET_OP_CLASSES
#include "dialects/ONNX/ONNXOps.cpp.inc"

//===- NodeOp
//-----------------------------------------------------------------------------------------===//

void NodeOp::build(OpBuilder &builder, OperationState &state, TypeRange results, StringRef domain,
                   StringRef opType, int64_t version, ValueRange operands,
                   ArrayRef<NamedAttribute> attributes, unsigned numRegions) {
  state.addOperands(operands);
  state.addTypes(results);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.op_type = builder.getStringAttr(opType);
  properties.domain = builder.getStringAttr(domain);
  properties.version = builder.getI64IntegerAttr(version);
  properties.onnx_attrs = builder.getDictionaryAttr(attributes);
  for (unsigned i = 0; i < numRegions; ++i)
    state.addRegion();
}

std::string NodeOp::getQualifiedName() {
  if (getDomain().empty())
    return getOpType().str();
  return (getDomain() + "::" + getOpType()).str();
}

int64_t NodeOp::getInt(StringRef name, int64_t defaultValue) {
  auto attr = dyn_cast_or_null<IntegerAttr>(getOnnxAttr(name));
  return attr ? attr.getInt() : defaultValue;
}

float NodeOp::getFloat(StringRef name, float defaultValue) {
  auto attr = dyn_cast_or_null<FloatAttr>(getOnnxAttr(name));
  return attr ? attr.getValue().convertToFloat() : defaultValue;
}

StringRef NodeOp::getString(StringRef name, StringRef defaultValue) {
  auto attr = dyn_cast_or_null<StringAttr>(getOnnxAttr(name));
  return attr ? attr.getValue() : defaultValue;
}

std::optional<ArrayRef<int64_t>> NodeOp::getInts(StringRef name) {
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(getOnnxAttr(name)))
    return attr.asArrayRef();
  return std::nullopt;
}

Value NodeOp::getOptionalOperand(unsigned i) {
  if (i >= getOperands().size() || isa<NoneType>(getOperands()[i].getType()))
    return {};
  return getOperands()[i];
}

StringRef NodeOp::getNodeName() {
  auto loc = getLoc()->findInstanceOf<NameLoc>();
  return loc ? loc.getName().getValue() : StringRef();
}

bool NodeOp::isRandom() {
  if (!getDomain().empty())
    return false;
  return llvm::StringSwitch<bool>(getOpType())
      .Cases({"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
              "RandomUniformLike"},
             true)
      .Case("Dropout", getOptionalOperand(2) != nullptr)
      .Default(false);
}

void NodeOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (isRandom())
    for (OpResult result : getOperation()->getResults())
      effects.emplace_back(MemoryEffects::Allocate::get(), result);
}

LogicalResult NodeOp::verify() {
  if (getOpType().empty())
    return emitOpError("has an empty operator type");
  if (getVersion() < 1)
    return emitOpError("has version ") << getVersion() << ", expected at least 1";
  unsigned numNames = getRegionNames() ? getRegionNames()->size() : 0;
  if (numNames != getBodies().size())
    return emitOpError("has ") << getBodies().size() << " regions but names " << numNames;
  for (Region &body : getBodies())
    if (body.empty() || !isa<YieldOp>(body.front().back()))
      return emitOpError("has a region that does not end in 'onnx.yield'");
  return success();
}

// onnx.node "domain::Op"(%a, %b) version 13 {attrs} (name = {region}, …) attr-dict? : function-type
void NodeOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printString(getQualifiedName());
  printer << '(' << getOperands() << ") version " << getVersion();
  if (!getOnnxAttrs().empty())
    printer << ' ' << getOnnxAttrs();
  for (auto [index, body] : llvm::enumerate(getBodies())) {
    printer << " region ";
    printer.printString(cast<StringAttr>((*getRegionNames())[index]).getValue());
    printer << ' ';
    printer.printRegion(body);
  }
  if (getMetadata())
    printer << " metadata " << *getMetadata();
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {"op_type", "domain", "version", "onnx_attrs", "region_names", "metadata"});
  printer << " : ";
  printer.printFunctionalType(*this);
}

ParseResult NodeOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  Properties &properties = state.getOrAddProperties<Properties>();
  std::string name;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  int64_t version = 0;
  SMLoc operandsLoc;
  if (parser.parseString(&name) || parser.getCurrentLocation(&operandsLoc) ||
      parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren) ||
      parser.parseKeyword("version") || parser.parseInteger(version))
    return failure();
  auto [domain, opType] = StringRef(name).rsplit("::");
  if (opType.empty() && !StringRef(name).contains("::"))
    std::swap(domain, opType);
  properties.op_type = builder.getStringAttr(opType);
  properties.domain = builder.getStringAttr(domain);
  properties.version = builder.getI64IntegerAttr(version);

  DictionaryAttr attributes = builder.getDictionaryAttr({});
  OptionalParseResult hasAttributes = parser.parseOptionalAttribute(attributes);
  if (hasAttributes.has_value() && failed(*hasAttributes))
    return failure();
  properties.onnx_attrs = attributes;

  SmallVector<Attribute> regionNames;
  while (succeeded(parser.parseOptionalKeyword("region"))) {
    std::string regionName;
    if (parser.parseString(&regionName) || parser.parseRegion(*state.addRegion()))
      return failure();
    regionNames.push_back(builder.getStringAttr(regionName));
  }
  if (!regionNames.empty())
    properties.region_names = builder.getArrayAttr(regionNames);
  if (succeeded(parser.parseOptionalKeyword("metadata"))) {
    DictionaryAttr metadata;
    if (parser.parseAttribute(metadata))
      return failure();
    properties.metadata = metadata;
  }
  FunctionType type;
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes) || parser.parseColonType(type))
    return failure();
  state.addTypes(type.getResults());
  return parser.resolveOperands(operands, type.getInputs(), operandsLoc, state.operands);
}

//===- ConstantOp
//-------------------------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }
