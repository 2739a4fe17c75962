#include "MicroKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec;

unsigned MicroTile::maxVectors(const KernelOptions &options) {
  return options.vectorRegisters >= 32 ? 4 : 2;
}

MicroTile MicroTile::choose(Type elementType, const KernelOptions &options, unsigned vectors) {
  unsigned lanes = options.vectorBytes * 8 / elementType.getIntOrFloatBitWidth();
  unsigned rows = (options.vectorRegisters - vectors - 2) / vectors;
  return {std::min(rows, vectors >= 4                    ? 6u
                         : options.vectorRegisters >= 32 ? 8u
                                                         : 6u),
          vectors, lanes};
}

namespace {

class MicroKernelBuilder {
public:
  MicroKernelBuilder(func::FuncOp function, Type elementType, MicroTile tile, bool masked,
                     bool fused)
      : builder(OpBuilder::atBlockEnd(function.addEntryBlock())), loc(function.getLoc()),
        tile(tile), fused(fused), vectorType(VectorType::get(tile.lanes, elementType)) {
    ValueRange arguments = function.getArguments();
    a = {arguments[0], arguments[1], arguments[2]};
    b = {arguments[3], arguments[4], arguments[5]};
    c = {arguments[6], arguments[7], arguments[8]};
    depth = arguments[9];
    accumulate = arguments[10];
    if (masked)
      makeMasks(arguments[11]);
  }

  void build() {
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
    SmallVector<Value> initial(tile.rows * tile.vectors, zero);
    auto loop = scf::ForOp::create(builder, loc, index(0), depth, index(1), initial,
                                   [&](OpBuilder &nested, Location, Value k, ValueRange sums) {
                                     OpBuilder saved = builder;
                                     builder = nested;
                                     scf::YieldOp::create(builder, loc, step(k, sums));
                                     builder = saved;
                                   });
    auto branch = scf::IfOp::create(builder, loc, accumulate, /*withElseRegion=*/true);
    builder.setInsertionPointToStart(branch.thenBlock());
    storeTile(loop.getResults(), /*add=*/true);
    builder.setInsertionPointToStart(branch.elseBlock());
    storeTile(loop.getResults(), /*add=*/false);
    builder.setInsertionPointAfter(branch);
    func::ReturnOp::create(builder, loc);
  }

private:
  struct Matrix {
    Value memory, offset, stride;
  };

  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(builder, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(builder, loc, x, y); }

  void makeMasks(Value width) {
    auto maskType = VectorType::get(tile.lanes, builder.getI1Type());
    for (unsigned v = 0; v < tile.vectors; ++v) {
      Value rest = arith::SubIOp::create(builder, loc, width, index(v * tile.lanes));
      masks.push_back(vector::CreateMaskOp::create(builder, loc, maskType, rest));
    }
  }

  Value loadVector(Value memory, Value position, unsigned v) {
    if (masks.empty())
      return vector::LoadOp::create(builder, loc, vectorType, memory, position);
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
    return vector::MaskedLoadOp::create(builder, loc, vectorType, memory, position, masks[v], zero);
  }

  Value multiplyAdd(Value x, Value y, Value sum) {
    if (fused)
      return vector::FMAOp::create(builder, loc, x, y, sum);
    return arith::AddFOp::create(builder, loc, sum, arith::MulFOp::create(builder, loc, x, y));
  }

  /// One step along the depth: an outer product of a column of A and a row of B.
  SmallVector<Value> step(Value k, ValueRange sums) {
    SmallVector<Value> row, result;
    Value rowStart = add(b.offset, mul(k, b.stride));
    for (unsigned v = 0; v < tile.vectors; ++v)
      row.push_back(loadVector(b.memory, add(rowStart, index(v * tile.lanes)), v));
    for (unsigned i = 0; i < tile.rows; ++i) {
      Value position = add(add(a.offset, mul(index(i), a.stride)), k);
      Value element = memref::LoadOp::create(builder, loc, a.memory, position);
      Value broadcast = vector::BroadcastOp::create(builder, loc, vectorType, element);
      for (unsigned v = 0; v < tile.vectors; ++v)
        result.push_back(multiplyAdd(broadcast, row[v], sums[i * tile.vectors + v]));
    }
    return result;
  }

  void storeTile(ValueRange sums, bool add_) {
    for (unsigned i = 0; i < tile.rows; ++i)
      for (unsigned v = 0; v < tile.vectors; ++v) {
        Value position = add(add(c.offset, mul(index(i), c.stride)), index(v * tile.lanes));
        Value sum = sums[i * tile.vectors + v];
        if (add_)
          sum = arith::AddFOp::create(builder, loc, sum, loadVector(c.memory, position, v));
        if (masks.empty())
          vector::StoreOp::create(builder, loc, sum, c.memory, position);
        else
          vector::MaskedStoreOp::create(builder, loc, c.memory, position, masks[v], sum);
      }
  }

  OpBuilder builder;
  Location loc;
  MicroTile tile;
  bool fused;
  VectorType vectorType;
  Matrix a, b, c;
  Value depth, accumulate;
  SmallVector<Value> masks;
};

} // namespace

void moec::buildMicroKernel(ModuleOp module, StringRef name, Type elementType, MicroTile tile,
                            bool masked, bool fused) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type index = builder.getIndexType();
  Type memory = MemRefType::get({ShapedType::kDynamic}, elementType);
  SmallVector<Type> arguments;
  for (int i = 0; i < 3; ++i)
    arguments.append({memory, index, index});
  arguments.append({index, builder.getI1Type(), index});
  auto function =
      func::FuncOp::create(builder, module.getLoc(), name, builder.getFunctionType(arguments, {}));
  function.setPrivate();
  // A leaf of its own: inlined among other loops its accumulators would be spilled.
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  MicroKernelBuilder(function, elementType, tile, masked, fused).build();
}
