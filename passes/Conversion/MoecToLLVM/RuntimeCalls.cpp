#include "passes/Conversion/MoecToLLVM/RuntimeCalls.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "moec_rt/kernel_abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace moec;

Type moec::getBufferType(MLIRContext *context) {
  auto pointer = LLVM::LLVMPointerType::get(context);
  auto shape = LLVM::LLVMArrayType::get(IntegerType::get(context, 64), MOEC_MAX_RANK);
  return LLVM::LLVMStructType::getLiteral(context, {pointer, shape});
}

RuntimeCalls::RuntimeCalls(ModuleOp module) : module(module) {
  for (auto symbol : module.getOps<SymbolOpInterface>())
    symbols.insert(symbol.getName());
}

void RuntimeCalls::declare(StringRef name, Type result, ArrayRef<Type> arguments) {
  if (!isNew(name))
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  LLVM::LLVMFuncOp::create(builder, module.getLoc(), name,
                           LLVM::LLVMFunctionType::get(result, arguments));
}

Value RuntimeCalls::emitCall(OpBuilder &builder, Location loc, StringRef name, Type result,
                             ValueRange operands) {
  bool returns = !isa<LLVM::LLVMVoidType>(result);
  declare(name, result, llvm::to_vector(operands.getTypes()));
  auto call =
      LLVM::CallOp::create(builder, loc, returns ? TypeRange(result) : TypeRange(), name, operands);
  return returns ? call.getResult() : Value();
}

Value RuntimeCalls::emitAlloc(OpBuilder &builder, Location loc, Value context, Value bytes) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  // getMemRefDescriptorSizes gives the size as an address computed from null in some forms.
  if (isa<LLVM::LLVMPointerType>(bytes.getType()))
    bytes = LLVM::PtrToIntOp::create(builder, loc, builder.getI64Type(), bytes);
  return emitCall(builder, loc, "moec_rt_alloc", pointer, {context, bytes});
}

void RuntimeCalls::emitFree(OpBuilder &builder, Location loc, Value context, Value memory) {
  emitCall(builder, loc, "moec_rt_free", LLVM::LLVMVoidType::get(builder.getContext()),
           {context, memory});
}

Value RuntimeCalls::emitPlan(OpBuilder &builder, Location loc, Value context, int64_t numSizes,
                             ArrayRef<int32_t> entries, Value sizes, Value offsets) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i32 = builder.getI32Type();
  OpBuilder atStart = OpBuilder::atBlockBegin(module.getBody());
  // A moec_rt_arena with its entries is nothing but int32_t.
  SmallVector<int32_t> numbers{static_cast<int32_t>(numSizes),
                               static_cast<int32_t>(entries.size() / 3)};
  llvm::append_range(numbers, entries);
  auto list = RankedTensorType::get({static_cast<int64_t>(numbers.size())}, i32);
  auto arena = LLVM::GlobalOp::create(atStart, loc, LLVM::LLVMArrayType::get(i32, numbers.size()),
                                      /*isConstant=*/true, LLVM::Linkage::Internal, "arena",
                                      DenseElementsAttr::get(list, ArrayRef<int32_t>(numbers)));
  return emitCall(builder, loc, "moec_rt_plan", pointer,
                  {context, LLVM::AddressOfOp::create(builder, loc, arena), sizes, offsets});
}

Value RuntimeCalls::emitPlace(OpBuilder &builder, Location loc, Value context, Value entry,
                              Value bytes) {
  Value index = LLVM::TruncOp::create(builder, loc, builder.getI32Type(), entry);
  return emitCall(builder, loc, "moec_rt_place", LLVM::LLVMPointerType::get(builder.getContext()),
                  {context, index, bytes});
}

void RuntimeCalls::emitAppendState(OpBuilder &builder, Location loc, Value context, Value rows) {
  emitCall(builder, loc, "moec_rt_append_state", LLVM::LLVMVoidType::get(builder.getContext()),
           {context, rows});
}

void RuntimeCalls::emitParallel(OpBuilder &builder, Location loc, Value context, Value task,
                                Value arguments, Value count, Value grain) {
  emitCall(builder, loc, "moec_rt_parallel", LLVM::LLVMVoidType::get(builder.getContext()),
           {context, task, arguments, count, grain});
}

void RuntimeCalls::emitFail(OpBuilder &builder, Location loc, Value context, Value node,
                            StringRef message) {
  if (node) {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    node = LLVM::IntToPtrOp::create(builder, loc, pointer, node);
  } else {
    auto name = loc->findInstanceOf<NameLoc>();
    node = emitString(builder, loc, name ? name.getName().getValue() : StringRef("?"));
  }
  Value text = emitString(builder, loc, message);
  emitCall(builder, loc, "moec_rt_fail", LLVM::LLVMVoidType::get(builder.getContext()),
           {context, node, text});
}

void RuntimeCalls::emitProfile(OpBuilder &builder, Location loc, StringRef function, Value context,
                               int64_t number, ValueRange work) {
  SmallVector<Value> operands{
      context, LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(number))};
  llvm::append_range(operands, work);
  emitCall(builder, loc, function, LLVM::LLVMVoidType::get(builder.getContext()), operands);
}

Value RuntimeCalls::emitWeights(OpBuilder &builder, Location loc) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  StringRef name = "moec_rt_weights";
  if (isNew(name)) {
    OpBuilder atStart = OpBuilder::atBlockBegin(module.getBody());
    auto global = LLVM::GlobalOp::create(atStart, module.getLoc(), pointer, /*isConstant=*/false,
                                         LLVM::Linkage::External, name, Attribute());
    global.setVisibility_(LLVM::Visibility::Hidden);
  }
  Value address = LLVM::AddressOfOp::create(builder, loc, pointer, name);
  // Written once, before the first call.
  auto load = LLVM::LoadOp::create(builder, loc, pointer, address);
  load.setInvariant(true);
  return load;
}

Value RuntimeCalls::emitString(OpBuilder &builder, Location loc, StringRef text) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  std::string name = "str_" + llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true);
  if (isNew(name)) {
    OpBuilder atStart = OpBuilder::atBlockBegin(module.getBody());
    std::string bytes = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    LLVM::GlobalOp::create(atStart, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                           builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, loc, pointer, name);
}
