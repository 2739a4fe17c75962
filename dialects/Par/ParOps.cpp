#include "dialects/Par/ParOps.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace moec::par;

#define GET_OP_CLASSES
#include "dialects/Par/ParOps.cpp.inc"

//===- ForOp
//------------------------------------------------------------------------------------------===//

void ForOp::build(OpBuilder &builder, OperationState &state, Value count, Value grain,
                  function_ref<void(OpBuilder &, Location, Value, Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  state.addOperands({count, grain});
  Region *region = state.addRegion();
  Type index = builder.getIndexType();
  Block *block = builder.createBlock(region, {}, {index, index}, {state.location, state.location});
  body(builder, state.location, block->getArgument(0), block->getArgument(1));
  YieldOp::create(builder, state.location);
}

LogicalResult ForOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 2 || !block.getArgument(0).getType().isIndex() ||
      !block.getArgument(1).getType().isIndex())
    return emitOpError("has a body that does not take two indices, begin and end");
  if (!isa<YieldOp>(block.back()))
    return emitOpError("has a body that does not end in 'par.yield'");
  return success();
}

void ForOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getBegin() << ", " << getEnd() << " in " << getCount() << " grain "
          << getGrain() << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/false);
  printer.printOptionalAttrDict((*this)->getAttrs());
}

ParseResult ForOp::parse(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::Argument begin, end;
  OpAsmParser::UnresolvedOperand count, grain;
  Type index = parser.getBuilder().getIndexType();
  Region *body = state.addRegion();
  if (parser.parseArgument(begin) || parser.parseComma() || parser.parseArgument(end) ||
      parser.parseKeyword("in") || parser.parseOperand(count) || parser.parseKeyword("grain") ||
      parser.parseOperand(grain))
    return failure();
  begin.type = end.type = index;
  if (parser.parseRegion(*body, {begin, end}) || parser.parseOptionalAttrDict(state.attributes) ||
      parser.resolveOperand(count, index, state.operands) ||
      parser.resolveOperand(grain, index, state.operands))
    return failure();
  Block &block = body->front();
  if (block.empty() || !block.back().hasTrait<OpTrait::IsTerminator>()) {
    OpBuilder builder(parser.getContext()); // the region has no operation yet that knows it
    builder.setInsertionPointToEnd(&block);
    YieldOp::create(builder, state.location);
  }
  return success();
}

//===- LaunchOp
//---------------------------------------------------------------------------------------===//

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto callee = tables.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("names ") << getCalleeAttr() << ", which is no function";
  SmallVector<Type> expected(2, IndexType::get(getContext()));
  llvm::append_range(expected, getArguments().getTypes());
  if (callee.getArgumentTypes() != ArrayRef<Type>(expected))
    return emitOpError("does not pass what ") << getCalleeAttr() << " takes";
  return success();
}
