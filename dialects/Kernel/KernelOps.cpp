#include "dialects/Kernel/KernelOps.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace moec::kernel;

//===- Entries of an arena
//----------------------------------------------------------------------------===//

/// `[0 in 3 to 7, ? in 5 to end]`
static ParseResult parseArenaEntries(OpAsmParser &parser, DenseI32ArrayAttr &entries) {
  SmallVector<int32_t> values;
  auto parseEntry = [&]() -> ParseResult {
    int32_t size = -1, first, last = INT32_MAX;
    if (failed(parser.parseOptionalQuestion()) && parser.parseInteger(size))
      return failure();
    if (parser.parseKeyword("in") || parser.parseInteger(first) || parser.parseKeyword("to"))
      return failure();
    if (failed(parser.parseOptionalKeyword("end")) && parser.parseInteger(last))
      return failure();
    values.append({size, first, last});
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseEntry))
    return failure();
  entries = DenseI32ArrayAttr::get(parser.getContext(), values);
  return success();
}

static void printArenaEntries(OpAsmPrinter &printer, Operation *, DenseI32ArrayAttr entries) {
  printer << '[';
  for (size_t i = 0, e = entries.size(); i + 2 < e; i += 3) {
    printer << (i ? ", " : "");
    if (entries[i] < 0)
      printer << '?';
    else
      printer << entries[i];
    printer << " in " << entries[i + 1] << " to ";
    if (entries[i + 2] == INT32_MAX)
      printer << "end";
    else
      printer << entries[i + 2];
  }
  printer << ']';
}

//===- Lists without brackets
//-------------------------------------------------------------------------===//

static ParseResult parseList(OpAsmParser &parser, ArrayAttr &list) {
  SmallVector<Attribute> elements;
  auto parseElement = [&] { return parser.parseAttribute(elements.emplace_back()); };
  if (parser.parseCommaSeparatedList(parseElement))
    return failure();
  list = parser.getBuilder().getArrayAttr(elements);
  return success();
}

static void printList(OpAsmPrinter &printer, Operation *, ArrayAttr list) {
  llvm::interleaveComma(list, printer);
}

#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.cpp.inc"

//===- CallOp
//-----------------------------------------------------------------------------------------===//

LogicalResult CallOp::verify() {
  bool onTensors = llvm::any_of(getOutputs().getTypes(), llvm::IsaPred<TensorType>);
  if (getNumResults() != (onTensors ? getOutputs().size() : 0))
    return emitOpError("has ") << getNumResults() << " results for " << getOutputs().size()
                               << (onTensors ? " output tensors" : " output buffers");
  for (auto [output, result] : llvm::zip(getOutputs(), getResults()))
    if (output.getType() != result.getType())
      return emitOpError("has a result of type ")
             << result.getType() << " for an output of type " << output.getType();
  return success();
}

void CallOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &input : getInputsMutable())
    if (isa<MemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input);
  for (OpOperand &output : getOutputsMutable())
    if (isa<MemRefType>(output.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &output);
      effects.emplace_back(MemoryEffects::Write::get(), &output);
    }
}

//===- CheckOp
//----------------------------------------------------------------------------------------===//

void CheckOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  // Leaving the call is a write that nothing may cross or drop.
  effects.emplace_back(MemoryEffects::Write::get());
}

//===- AppendStateOp
//----------------------------------------------------------------------------------===//

void AppendStateOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  // As with a check.
  effects.emplace_back(MemoryEffects::Write::get());
}

//===- PackedOp
//---------------------------------------------------------------------------------------===//

LogicalResult PackedOp::verify() {
  if (getSources().empty())
    return emitOpError("has no sources");
  if (getLayouts() && getLayouts()->size() != getSources().size())
    return emitOpError("has ") << getLayouts()->size() << " layouts for " << getSources().size()
                               << " sources";
  int64_t beside = getBeside();
  if (beside == 1)
    return success();
  if (!getLayouts() || getSources().size() % beside != 0)
    return emitOpError("has ") << getSources().size() << " sources "
                               << (getLayouts() ? "" : "without layouts ") << "for " << beside
                               << " side by side";
  auto layouts = llvm::to_vector(getLayouts()->getAsRange<PanelsAttr>());
  for (auto [i, layout] : llvm::enumerate(layouts)) {
    PanelsAttr first = layouts[i - i % beside];
    if (layout.getCount() != first.getCount() || layout.getDepth() != first.getDepth() ||
        layout.getPanel() != first.getPanel() || layout.getPerByte() != first.getPerByte())
      return emitOpError("has layout ") << i << " beside one of another count, depth or panel";
  }
  return success();
}

//===- WeightOp
//---------------------------------------------------------------------------------------===//

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (!tables.lookupNearestSymbolFrom<PackedOp>(*this, getKeyAttr()))
    return emitOpError("names ") << getKeyAttr() << ", which is no 'kernel.packed'";
  if (!cast<ShapedType>(getType()).hasStaticShape())
    return emitOpError("has a dynamic shape");
  return success();
}

//===- ArenaOp
//----------------------------------------------------------------------------------------===//

LogicalResult ArenaOp::verify() {
  ArrayRef<int32_t> entries = getEntries();
  if (entries.size() % 3 != 0)
    return emitOpError("has ") << entries.size() << " numbers for entries, expected three for each";
  if (getOffsets().getType().getDimSize(0) != static_cast<int64_t>(entries.size() / 3))
    return emitOpError("has ") << entries.size() / 3 << " entries and gives "
                               << getOffsets().getType() << " for their offsets";
  for (size_t i = 0; i < entries.size(); i += 3) {
    if (entries[i] < -1 || entries[i] >= static_cast<int64_t>(getSizes().size()))
      return emitOpError("entry ")
             << i / 3 << " has size " << entries[i] << " of " << getSizes().size();
    if (entries[i + 1] < 0 || entries[i + 1] > entries[i + 2])
      return emitOpError("entry ")
             << i / 3 << " lives from " << entries[i + 1] << " to " << entries[i + 2];
  }
  return success();
}

void ArenaOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  // The places are the call's: it is not to be merged with another, nor moved over a check.
  effects.emplace_back(MemoryEffects::Write::get());
}

//===- PlaceOp
//----------------------------------------------------------------------------------------===//

LogicalResult PlaceOp::verify() {
  if (isa<BlockArgument>(getMemory()))
    return success();
  auto arena = getMemory().getDefiningOp<ArenaOp>();
  if (!arena)
    return emitOpError("is not in the memory of a 'kernel.arena'");
  APInt constant;
  if (!matchPattern(getEntry(), m_ConstantInt(&constant)))
    return success();
  int64_t index = constant.getSExtValue(), count = arena.getEntries().size() / 3;
  if (index < 0 || index >= count)
    return emitOpError("places entry ") << index << " of " << count;
  if (arena.getEntries()[3 * index] >= 0)
    return emitOpError("places entry ") << index << ", whose size is known to the arena";
  return success();
}

void PlaceOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}

//===- ProfileStartOp, ProfileBeginOp, ProfileEndOp
//---------------------------------------------------------------------------------------===//

// A reading of the clock is a write that nothing may cross or drop.
void ProfileStartOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}

void ProfileBeginOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}

void ProfileEndOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}
