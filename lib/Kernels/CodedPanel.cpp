#include "CodedPanel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec;

//===- Formats
//----------------------------------------------------------------------------------===//

std::optional<CodedFormat> CodedFormat::consume(MLIRContext &context, StringRef &name) {
  CodedFormat format;
  format.isSigned = !name.consume_front("u");
  if (!name.consume_front("i") || name.consumeInteger(10, format.bits) ||
      (format.bits != 4 && format.bits != 8))
    return std::nullopt;
  if (name.consume_front("_uniform"))
    format.zero = Zero::Uniform;
  else if (name.consume_front("_each"))
    format.zero = Zero::Each;
  else if (!name.consume_front("_none"))
    return std::nullopt;
  if (name.consume_front("_f32"))
    format.scaleType = Float32Type::get(&context);
  else if (name.consume_front("_f16"))
    format.scaleType = Float16Type::get(&context);
  else if (name.consume_front("_bf16"))
    format.scaleType = BFloat16Type::get(&context);
  return format.scaleType ? std::optional(format) : std::nullopt;
}

static Type getMemory(Type elementType) {
  return MemRefType::get({ShapedType::kDynamic}, elementType);
}

Type CodedFormat::zeroArgument() const {
  MLIRContext *context = scaleType.getContext();
  return zero == Zero::Each ? getMemory(IntegerType::get(context, 8))
                            : IntegerType::get(context, 32);
}

CodedBlock::CodedBlock(ValueRange arguments)
    : codes(arguments[0]), codesAt(arguments[1]), scales(arguments[2]), scalesAt(arguments[3]),
      zero(arguments[4]), zerosAt(arguments[5]), firstGroup(arguments[6]), group(arguments[7]) {}

SmallVector<Type> moec::getCodedBlockTypes(Builder &builder, const CodedFormat &format) {
  Type index = builder.getIndexType();
  return {getMemory(builder.getI8Type()),
          index,
          getMemory(format.scaleType),
          index,
          format.zeroArgument(),
          index,
          index,
          index};
}

//===- Rows
//-------------------------------------------------------------------------------------===//

Value CodedPanelReader::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}
Value CodedPanelReader::add(Value x, Value y) { return arith::AddIOp::create(builder, loc, x, y); }
Value CodedPanelReader::mul(Value x, Value y) { return arith::MulIOp::create(builder, loc, x, y); }

Type CodedPanelReader::integers() { return VectorType::get(tile.lanes, builder.getI32Type()); }

Value CodedPanelReader::splat(int64_t value) {
  auto type = cast<VectorType>(integers());
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, APInt(32, static_cast<uint64_t>(value))));
}

/// Sign-extended if the codes are signed.
Value CodedPanelReader::loadBytes(Value memory, Value position) {
  Type type = VectorType::get(tile.lanes, builder.getI8Type());
  Value bytes = vector::LoadOp::create(builder, loc, type, memory, position);
  if (format.isSigned)
    return arith::ExtSIOp::create(builder, loc, integers(), bytes);
  return arith::ExtUIOp::create(builder, loc, integers(), bytes);
}

Value CodedPanelReader::extract(Value bytes, unsigned number) {
  if (format.bits == 8)
    return bytes;
  Value unused = splat(32 - format.bits), four = splat(format.bits);
  if (number == 1 && format.isSigned)
    return arith::ShRSIOp::create(builder, loc, bytes, four);
  if (number == 1)
    return arith::ShRUIOp::create(builder, loc, bytes, four);
  if (!format.isSigned)
    return arith::AndIOp::create(builder, loc, bytes, splat(15));
  return arith::ShRSIOp::create(builder, loc, arith::ShLIOp::create(builder, loc, bytes, unused),
                                unused);
}

Value CodedPanelReader::extractAny(Value bytes, Value number) {
  if (format.bits == 8)
    return bytes;
  Value isSecond = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, number, index(0));
  return arith::SelectOp::create(builder, loc, isSecond, extract(bytes, 1), extract(bytes, 0));
}

/// Reads scales and zero points of a group, `number` counted from the block's first.
void CodedPanelReader::loadGroup(Value number) {
  scales.clear();
  zeros.clear();
  Value columns = index(tile.columns()), perByte = index(format.perByte());
  Value at = add(block.scalesAt, mul(number, columns));
  for (unsigned v = 0; v < tile.vectors; ++v) {
    Type type = VectorType::get(tile.lanes, format.scaleType);
    Value scale =
        vector::LoadOp::create(builder, loc, type, block.scales, add(at, index(v * tile.lanes)));
    Type numbers = VectorType::get(tile.lanes, builder.getF32Type());
    if (type != numbers)
      scale = arith::ExtFOp::create(builder, loc, numbers, scale);
    scales.push_back(scale);
  }
  if (format.zero == CodedFormat::Zero::Uniform)
    zeros.assign(tile.vectors, vector::BroadcastOp::create(builder, loc, integers(), block.zero));
  if (format.zero != CodedFormat::Zero::Each)
    return;
  Value group = add(block.firstGroup, number);
  Value row = arith::DivUIOp::create(builder, loc, group, perByte);
  Value inByte = arith::RemUIOp::create(builder, loc, group, perByte);
  at = add(block.zerosAt, mul(row, columns));
  for (unsigned v = 0; v < tile.vectors; ++v)
    zeros.push_back(extractAny(loadBytes(block.zero, add(at, index(v * tile.lanes))), inByte));
}

/// The rows whose codes share bytes, one after the other.
SmallVector<Value> CodedPanelReader::readByteRow(Value position) {
  SmallVector<Value> bytes, rows;
  for (unsigned v = 0; v < tile.vectors; ++v)
    bytes.push_back(loadBytes(block.codes, add(position, index(v * tile.lanes))));
  Type numbers = VectorType::get(tile.lanes, builder.getF32Type());
  for (unsigned i = 0; i < format.perByte(); ++i)
    for (unsigned v = 0; v < tile.vectors; ++v) {
      Value code = extract(bytes[v], i);
      if (!zeros.empty())
        code = arith::SubIOp::create(builder, loc, code, zeros[v]);
      Value number = arith::SIToFPOp::create(builder, loc, numbers, code);
      rows.push_back(arith::MulFOp::create(builder, loc, number, scales[v]));
    }
  return rows;
}

SmallVector<Value>
CodedPanelReader::forRange(Value end, Value step, ValueRange initial,
                           llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(builder, loc, index(0), end, step, initial,
                                 [&](OpBuilder &nested, Location, Value i, ValueRange carried) {
                                   OpBuilder saved = builder;
                                   builder = nested;
                                   scf::YieldOp::create(builder, loc, body(i, carried));
                                   builder = saved;
                                 });
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> CodedPanelReader::forEachRow(Value depth, ValueRange initial, Body body) {
  Value perByte = index(format.perByte());
  return forRange(depth, block.group, initial, [&](Value start, ValueRange carried) {
    loadGroup(arith::DivUIOp::create(builder, loc, start, block.group));
    Value left = arith::SubIOp::create(builder, loc, depth, start);
    Value rows = arith::MinSIOp::create(builder, loc, left, block.group);
    return forRange(rows, perByte, carried, [&](Value i, ValueRange carriedInGroup) {
      Value k = add(start, i), byteRow = arith::DivUIOp::create(builder, loc, k, perByte);
      SmallVector<Value> read =
          readByteRow(add(block.codesAt, mul(byteRow, index(tile.columns()))));
      SmallVector<Value> values(carriedInGroup);
      for (unsigned r = 0; r < format.perByte(); ++r)
        values =
            body(add(k, index(r)), ArrayRef(read).slice(r * tile.vectors, tile.vectors), values);
      return values;
    });
  });
}

void moec::buildCodedRows(ModuleOp module, StringRef name, const CodedFormat &format,
                          MicroTile tile) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = module.getLoc();
  SmallVector<Type> arguments = getCodedBlockTypes(builder, format);
  arguments.append({builder.getIndexType(), getMemory(builder.getF32Type())});
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(arguments, {}));
  function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
  CodedBlock block(function.getArguments());
  Value depth = function.getArgument(CodedBlock::kNumArguments),
        panel = function.getArgument(CodedBlock::kNumArguments + 1);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  CodedPanelReader(builder, loc, format, tile, block)
      .forEachRow(depth, {}, [&](Value k, ArrayRef<Value> row, ValueRange) {
        Value at = arith::MulIOp::create(builder, loc, k, index(tile.columns()));
        for (auto [v, vector] : llvm::enumerate(row))
          vector::StoreOp::create(
              builder, loc, vector, panel,
              arith::AddIOp::create(builder, loc, at, index(v * tile.lanes)).getResult());
        return SmallVector<Value>();
      });
  func::ReturnOp::create(builder, loc);
}
