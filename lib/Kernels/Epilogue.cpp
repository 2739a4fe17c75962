#include "Epilogue.h"
#include "moec/Kernels/Activations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec;

std::optional<Epilogue> Epilogue::parse(StringRef name) {
  Epilogue result;
  result.bias = name.consume_front("bias_");
  result.residual = name.consume_back("_residual");
  result.gated = name.consume_back("_glu");
  std::optional<moe::ActivationKind> kind = moe::symbolizeActivationKind(name);
  if (!kind)
    return std::nullopt;
  result.kind = *kind;
  return result;
}

namespace {

class EpilogueBuilder {
public:
  EpilogueBuilder(func::FuncOp function, Type elementType, unsigned lanes, unsigned columns,
                  const Epilogue &epilogue)
      : builder(OpBuilder::atBlockEnd(function.addEntryBlock())), loc(function.getLoc()),
        epilogue(epilogue), lanes(lanes), columns(columns),
        vectorType(VectorType::get(lanes, elementType)) {
    ValueRange arguments = function.getArguments();
    auto take = [&](Value &to) {
      to = arguments.front();
      arguments = arguments.drop_front();
    };
    for (Value *argument : {&c, &first, &n, &rows, &width, &bias, &biasFirst, &upBiasFirst, &up,
                            &residual, &alpha, &offset, &limit})
      take(*argument);
  }

  void build() {
    for (Value *number : {&alpha, &offset, &limit})
      *number = vector::BroadcastOp::create(builder, loc, vectorType, *number);
    Value rest = arith::RemUIOp::create(builder, loc, width, index(lanes));
    Value whole = arith::SubIOp::create(builder, loc, width, rest);
    Value hasRest = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, rest, index(0));
    Value restMask = vector::CreateMaskOp::create(
        builder, loc, VectorType::get(lanes, builder.getI1Type()), rest);
    forEach(rows, 1, [&](Value r) {
      Value row = add(first, mul(r, n)), upRow = mul(r, index(columns));
      mask = {};
      forEach(whole, lanes, [&](Value q) { emitStep(row, upRow, q); });
      auto branch = scf::IfOp::create(builder, loc, hasRest, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      mask = restMask;
      emitStep(row, upRow, whole);
    });
    func::ReturnOp::create(builder, loc);
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(builder, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(builder, loc, x, y); }
  Value addNumbers(Value x, Value y) { return arith::AddFOp::create(builder, loc, x, y); }

  void forEach(Value end, int64_t step, llvm::function_ref<void(Value)> emit) {
    auto loop = scf::ForOp::create(builder, loc, index(0), end, index(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emit(loop.getInductionVar());
  }

  Value load(Value memory, Value position) {
    if (!mask)
      return vector::LoadOp::create(builder, loc, vectorType, memory, position);
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
    return vector::MaskedLoadOp::create(builder, loc, vectorType, memory, position, mask, zero);
  }

  /// One vector of a row, from column q on.
  void emitStep(Value row, Value upRow, Value q) {
    Value position = add(row, q), x = load(c, position);
    if (epilogue.bias)
      x = addNumbers(x, load(bias, add(biasFirst, q)));
    if (epilogue.gated) {
      Value other = load(up, add(upRow, q));
      if (epilogue.bias)
        other = addNumbers(other, load(bias, add(upBiasFirst, q)));
      x = emitGLU(builder, loc, epilogue.kind, x, other, alpha, offset, limit);
    } else {
      x = emitActivation(builder, loc, epilogue.kind, x, alpha);
    }
    if (epilogue.residual)
      x = addNumbers(x, load(residual, position));
    if (mask)
      vector::MaskedStoreOp::create(builder, loc, c, position, mask, x);
    else
      vector::StoreOp::create(builder, loc, x, c, position);
  }

  OpBuilder builder;
  Location loc;
  const Epilogue &epilogue;
  unsigned lanes, columns;
  VectorType vectorType;
  Value c, first, n, rows, width, bias, biasFirst, upBiasFirst, up, residual, alpha, offset, limit;
  Value mask; ///< of the step that is emitted; null: all lanes
};

} // namespace

void moec::buildEpilogue(ModuleOp module, StringRef name, Type elementType, unsigned lanes,
                         unsigned columns, const Epilogue &epilogue) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type index = builder.getIndexType();
  Type memory = MemRefType::get({ShapedType::kDynamic}, elementType);
  Type arguments[] = {memory, index,  index,  index,       index,       memory,     index,
                      index,  memory, memory, elementType, elementType, elementType};
  auto function =
      func::FuncOp::create(builder, module.getLoc(), name, builder.getFunctionType(arguments, {}));
  function.setPrivate();
  // Once for all drivers, and apart from loops whose registers it would take.
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  EpilogueBuilder(function, elementType, lanes, columns, epilogue).build();
}

//===- Texts -----------------------------------------------------------------------------===//

const llvm::StringLiteral texts::kEpilogueArguments = "%alpha: $T, %offset: $T, %limit: $T, ";
const llvm::StringLiteral texts::kResidualArgument =
    "%bias: memref<?x?x$T>, %residual: !Matrices, ";

/// Of a second product: its panels, in the stack behind all those of the first; its biases, in a
/// row behind those of the first.
const llvm::StringLiteral texts::kDenseEpilogueSizes = R"mlir(
  %biasFlat = memref.collapse_shape %bias [[0, 1]] : memref<?x?x$T> into !Flat
  %biasRow = memref.dim %bias, %c1 : memref<?x?x$T>
  %residualFlat = memref.collapse_shape %residual [[0, 1, 2]] : !Matrices into !Flat
  %upPanels = arith.addi %panels, %c0 : index
  %e = arith.constant 0 : index
)mlir";

const llvm::StringLiteral texts::kGroupedEpilogueSizes = R"mlir(
  %biasFlat = memref.collapse_shape %bias [[0, 1]] : memref<?x?x$T> into !Flat
  %biasRow = memref.dim %bias, %c1 : memref<?x?x$T>
  %residualFlat = memref.cast %cFlat : !Flat to !Flat
  %upPanels = arith.muli %experts, %panels : index
)mlir";

const llvm::StringLiteral texts::kUpMemory = R"mlir(
    %up0 = memref.alloca() {alignment = 64 : i64} : memref<$UPSIZEx$T>
    %up = memref.cast %up0 : memref<$UPSIZEx$T> to !Flat
)mlir";

const llvm::StringLiteral texts::kUpPanel = R"mlir(
      %upPanel = arith.addi %panelOfB, %upPanels : index
      %upStart = arith.muli %upPanel, %panelSize : index
)mlir";

const llvm::StringLiteral texts::kEpilogueCall = R"mlir(
      %biasOfRow = arith.muli %e, %biasRow : index
      %biasStart = arith.addi %biasOfRow, %j : index
      %upBiasStart = arith.addi %biasStart, %n : index
      func.call @$EPILOGUE(%cFlat, %cStart, %n, %rows, %width, %biasFlat, %biasStart, %upBiasStart, $UP,
                           %residualFlat, %alpha, %offset, %limit)
        : (!Flat, index, index, index, index, !Flat, index, index, !Flat, !Flat, $T, $T, $T) -> ()
)mlir";
