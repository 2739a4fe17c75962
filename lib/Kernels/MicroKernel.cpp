#include "MicroKernel.h"
#include "CodedPanel.h"

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
                     bool fused, const CodedFormat *coded)
      : builder(OpBuilder::atBlockEnd(function.addEntryBlock())), loc(function.getLoc()),
        tile(tile), fused(fused), coded(coded),
        vectorType(VectorType::get(tile.lanes, elementType)) {
    ValueRange arguments = function.getArguments();
    auto take = [&](unsigned count) {
      ValueRange taken = arguments.take_front(count);
      arguments = arguments.drop_front(count);
      return taken;
    };
    auto takeMatrix = [&]() -> Matrix {
      ValueRange taken = take(3);
      return {taken[0], taken[1], taken[2]};
    };
    a = takeMatrix();
    if (coded)
      codes.emplace(take(CodedBlock::kNumArguments));
    else
      b = takeMatrix();
    c = takeMatrix();
    depth = arguments[0];
    accumulate = arguments[1];
    if (masked)
      makeMasks(arguments[2]);
  }

  void build() {
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
    SmallVector<Value> initial(tile.rows * tile.vectors, zero);
    SmallVector<Value> sums = codes ? sumCodes(initial) : sumRows(initial);
    auto branch = scf::IfOp::create(builder, loc, accumulate, /*withElseRegion=*/true);
    builder.setInsertionPointToStart(branch.thenBlock());
    storeTile(sums, /*add=*/true);
    builder.setInsertionPointToStart(branch.elseBlock());
    storeTile(sums, /*add=*/false);
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

  SmallVector<Value> sumRows(ValueRange initial) {
    auto loop = scf::ForOp::create(builder, loc, index(0), depth, index(1), initial,
                                   [&](OpBuilder &nested, Location, Value k, ValueRange sums) {
                                     OpBuilder saved = builder;
                                     builder = nested;
                                     scf::YieldOp::create(builder, loc, step(k, loadRow(k), sums));
                                     builder = saved;
                                   });
    return SmallVector<Value>(loop.getResults());
  }

  SmallVector<Value> sumCodes(ValueRange initial) {
    return CodedPanelReader(builder, loc, *coded, tile, *codes)
        .forEachRow(depth, initial, [&](Value k, ArrayRef<Value> row, ValueRange sums) {
          return step(k, row, sums);
        });
  }

  SmallVector<Value> loadRow(Value k) {
    SmallVector<Value> row;
    Value rowStart = add(b.offset, mul(k, b.stride));
    for (unsigned v = 0; v < tile.vectors; ++v)
      row.push_back(loadVector(b.memory, add(rowStart, index(v * tile.lanes)), v));
    return row;
  }

  /// One step along the depth: an outer product of a column of A and a row of B.
  SmallVector<Value> step(Value k, ArrayRef<Value> row, ValueRange sums) {
    SmallVector<Value> result;
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
  const CodedFormat *coded; ///< null: B is of numbers
  VectorType vectorType;
  Matrix a, b, c;
  std::optional<CodedBlock> codes;
  Value depth, accumulate;
  SmallVector<Value> masks;
};

} // namespace

void moec::buildMicroKernel(ModuleOp module, StringRef name, Type elementType, MicroTile tile,
                            bool masked, bool fused, const CodedFormat *coded) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type index = builder.getIndexType();
  Type memory = MemRefType::get({ShapedType::kDynamic}, elementType);
  SmallVector<Type> arguments;
  arguments.append({memory, index, index});
  if (coded)
    arguments.append(getCodedBlockTypes(builder, *coded));
  else
    arguments.append({memory, index, index});
  arguments.append({memory, index, index});
  arguments.append({index, builder.getI1Type(), index});
  auto function =
      func::FuncOp::create(builder, module.getLoc(), name, builder.getFunctionType(arguments, {}));
  function.setPrivate();
  // A leaf of its own: inlined among other loops its accumulators would be spilled.
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  MicroKernelBuilder(function, elementType, tile, masked, fused, coded).build();
}
