//===- ConvertMoecToLLVM.cpp - From buffers to the LLVM dialect
//-------------------------------------===//
//
// Every function takes the context of the running call first; memory, parallel loops and errors go
// through the runtime with it (moec_rt/kernel_abi.h).
//
//===------------------------------------------------------------------------------------------------===//
#include "passes/Conversion/MoecToLLVM/ProfileToLLVM.h"
#include "passes/Conversion/MoecToLLVM/RuntimeCalls.h"
#include "passes/Conversion/Passes.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"
#include "dialects/Par/ParOps.h"

#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTMOECTOLLVMPASS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

Value getContext(Operation *op) {
  return op->getParentOfType<FunctionOpInterface>().getFunctionBody().getArgument(0);
}

//===- Before the conversion: the context becomes an argument
//-----------------------------------------===//

void threadContext(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  for (auto function : module.getOps<func::FuncOp>())
    if (failed(function.insertArgument(0, pointer, {}, function.getLoc())))
      llvm_unreachable("a function takes any argument");
  module.walk([&](func::CallOp call) {
    SmallVector<Value> operands{getContext(call)};
    llvm::append_range(operands, call.getOperands());
    call->setOperands(operands);
  });
}

void expandChecks(ModuleOp module) {
  RuntimeCalls runtime(module);
  SmallVector<kernel::CheckOp> checks;
  module.walk([&](kernel::CheckOp check) { checks.push_back(check); });
  for (kernel::CheckOp check : checks) {
    Block *before = check->getBlock();
    Block *after = before->splitBlock(check);
    Block *fail = new Block;
    before->getParent()->getBlocks().insert(after->getIterator(), fail);
    OpBuilder builder = OpBuilder::atBlockEnd(before);
    cf::CondBranchOp::create(builder, check.getLoc(), check.getCondition(), after, fail);
    builder.setInsertionPointToStart(fail);
    Value node = check.getNode() ? arith::IndexCastOp::create(builder, check.getLoc(),
                                                              builder.getI64Type(), check.getNode())
                                 : Value();
    runtime.emitFail(builder, check.getLoc(), getContext(check), node, check.getMessage());
    LLVM::UnreachableOp::create(builder, check.getLoc());
    check.erase();
  }
}

//===- Patterns
//---------------------------------------------------------------------------------------===//

struct AllocLowering : ConvertOpToLLVMPattern<memref::AllocOp> {
  AllocLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter, /*benefit=*/10), runtime(runtime) {}

  LogicalResult matchAndRewrite(memref::AllocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    MemRefType type = op.getType();
    SmallVector<Value> sizes, strides;
    Value bytes;
    getMemRefDescriptorSizes(op.getLoc(), type, adaptor.getDynamicSizes(), rewriter, sizes, strides,
                             bytes, /*sizeInBytes=*/true);
    Value memory = runtime.emitAlloc(rewriter, op.getLoc(), ::moec::getContext(op), bytes);
    rewriter.replaceOp(
        op, createMemRefDescriptor(op.getLoc(), type, memory, memory, sizes, strides, rewriter)
                .operator Value());
    return success();
  }

  RuntimeCalls &runtime;
};

struct DeallocLowering : ConvertOpToLLVMPattern<memref::DeallocOp> {
  DeallocLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter, /*benefit=*/10), runtime(runtime) {}

  LogicalResult matchAndRewrite(memref::DeallocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value memory = MemRefDescriptor(adaptor.getMemref()).allocatedPtr(rewriter, op.getLoc());
    runtime.emitFree(rewriter, op.getLoc(), ::moec::getContext(op), memory);
    rewriter.eraseOp(op);
    return success();
  }

  RuntimeCalls &runtime;
};

/// Memory on the function's stack, which must not grow in a loop.
Value allocateOnStack(Operation *op, Type type, ConversionPatternRewriter &rewriter) {
  OpBuilder::InsertionGuard guard(rewriter);
  auto function = op->getParentOfType<FunctionOpInterface>();
  rewriter.setInsertionPointToStart(&function.getFunctionBody().front());
  auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
  Value one = LLVM::ConstantOp::create(rewriter, op->getLoc(), rewriter.getI64IntegerAttr(1));
  return LLVM::AllocaOp::create(rewriter, op->getLoc(), pointer, type, one);
}

/// A buffer of bytes whose length the code does not ask for.
Value describeBytes(Location loc, const LLVMTypeConverter &converter, Type type, Value memory,
                    ConversionPatternRewriter &rewriter) {
  MemRefDescriptor bytes = MemRefDescriptor::poison(rewriter, loc, converter.convertType(type));
  bytes.setAllocatedPtr(rewriter, loc, memory);
  bytes.setAlignedPtr(rewriter, loc, memory);
  bytes.setConstantOffset(rewriter, loc, 0);
  bytes.setConstantSize(rewriter, loc, 0, INT64_MAX);
  bytes.setConstantStride(rewriter, loc, 0, 1);
  return bytes;
}

struct ArenaLowering : ConvertOpToLLVMPattern<kernel::ArenaOp> {
  ArenaLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter), runtime(runtime) {}

  LogicalResult matchAndRewrite(kernel::ArenaOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Type i64 = rewriter.getI64Type();
    ValueRange values = adaptor.getSizes();
    Value sizes = allocateOnStack(op, LLVM::LLVMArrayType::get(i64, values.size()), rewriter);
    for (auto [i, value] : llvm::enumerate(values)) {
      Value to = LLVM::GEPOp::create(rewriter, loc, pointer, i64, sizes,
                                     LLVM::GEPArg(static_cast<int32_t>(i)));
      LLVM::StoreOp::create(rewriter, loc, value, to);
    }
    Value result = allocateOnStack(op, pointer, rewriter);
    Value memory = runtime.emitPlan(rewriter, loc, ::moec::getContext(op), values.size(),
                                    op.getEntries(), sizes, result);
    Value offsets = LLVM::LoadOp::create(rewriter, loc, pointer, result);
    rewriter.replaceOp(
        op, {describeBytes(loc, *getTypeConverter(), op.getMemory().getType(), memory, rewriter),
             MemRefDescriptor::fromStaticShape(rewriter, loc, *getTypeConverter(),
                                               op.getOffsets().getType(), offsets)
                 .operator Value()});
    return success();
  }

  RuntimeCalls &runtime;
};

struct PlaceLowering : ConvertOpToLLVMPattern<kernel::PlaceOp> {
  PlaceLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter), runtime(runtime) {}

  LogicalResult matchAndRewrite(kernel::PlaceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value memory = runtime.emitPlace(rewriter, op.getLoc(), ::moec::getContext(op),
                                     adaptor.getEntry(), adaptor.getBytes());
    rewriter.replaceOp(
        op, describeBytes(op.getLoc(), *getTypeConverter(), op.getType(), memory, rewriter));
    return success();
  }

  RuntimeCalls &runtime;
};

struct AppendStateLowering : ConvertOpToLLVMPattern<kernel::AppendStateOp> {
  AppendStateLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter), runtime(runtime) {}

  LogicalResult matchAndRewrite(kernel::AppendStateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    runtime.emitAppendState(rewriter, op.getLoc(), ::moec::getContext(op), adaptor.getRows());
    rewriter.eraseOp(op);
    return success();
  }

  RuntimeCalls &runtime;
};

struct NodeNameLowering : ConvertOpToLLVMPattern<kernel::NodeNameOp> {
  NodeNameLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter), runtime(runtime) {}

  LogicalResult matchAndRewrite(kernel::NodeNameOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value text = runtime.emitString(rewriter, op.getLoc(), op.getName());
    rewriter.replaceOpWithNewOp<LLVM::PtrToIntOp>(op, rewriter.getI64Type(), text);
    return success();
  }

  RuntimeCalls &runtime;
};

/// A weight is the start of the packed weights plus an offset.
struct WeightLowering : ConvertOpToLLVMPattern<kernel::WeightOp> {
  WeightLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime,
                 const llvm::StringMap<int64_t> &offsets)
      : ConvertOpToLLVMPattern(converter), runtime(runtime), offsets(offsets) {}

  LogicalResult matchAndRewrite(kernel::WeightOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getType());
    auto it = offsets.find(op.getKey());
    if (!type || it == offsets.end())
      return rewriter.notifyMatchFailure(op, "is not a placed weight on buffers");
    Value base = runtime.emitWeights(rewriter, op.getLoc());
    Value memory =
        LLVM::GEPOp::create(rewriter, op.getLoc(), base.getType(), rewriter.getI8Type(), base,
                            ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(LLVM::ConstantOp::create(
                                rewriter, op.getLoc(), rewriter.getI64IntegerAttr(it->second)))});
    rewriter.replaceOp(op, MemRefDescriptor::fromStaticShape(rewriter, op.getLoc(),
                                                             *getTypeConverter(), type, memory)
                               .operator Value());
    return success();
  }

  RuntimeCalls &runtime;
  const llvm::StringMap<int64_t> &offsets;
};

/// The arguments travel in a structure on the caller's stack; a small function beside the task
/// takes them out again.
struct LaunchLowering : ConvertOpToLLVMPattern<par::LaunchOp> {
  LaunchLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime)
      : ConvertOpToLLVMPattern(converter), runtime(runtime) {}

  LogicalResult matchAndRewrite(par::LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<Type> fields(adaptor.getArguments().getTypes());
    auto structure = LLVM::LLVMStructType::getLiteral(rewriter.getContext(), fields);
    LLVM::LLVMFuncOp trampoline = getTrampoline(op, structure, rewriter);
    if (!trampoline)
      return failure();
    Value memory = allocateOnStack(op, structure, rewriter);
    Value packed = LLVM::PoisonOp::create(rewriter, loc, structure);
    for (auto [i, argument] : llvm::enumerate(adaptor.getArguments()))
      packed = LLVM::InsertValueOp::create(rewriter, loc, packed, argument, i);
    LLVM::StoreOp::create(rewriter, loc, packed, memory);
    Value task = LLVM::AddressOfOp::create(rewriter, loc, trampoline);
    Value context = ::moec::getContext(op);
    runtime.emitParallel(rewriter, loc, context, task, memory, adaptor.getCount(),
                         adaptor.getGrain());
    rewriter.eraseOp(op);
    return success();
  }

private:
  LLVM::LLVMFuncOp getTrampoline(par::LaunchOp op, LLVM::LLVMStructType structure,
                                 ConversionPatternRewriter &rewriter) const {
    auto module = op->getParentOfType<ModuleOp>();
    std::string name = (op.getCallee() + "_launch").str();
    if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return known;
    Location loc = op.getLoc();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToEnd(module.getBody());
    Type i64 = rewriter.getI64Type(), pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(rewriter.getContext()),
                                            {pointer, pointer, i64, i64, i64});
    auto function = LLVM::LLVMFuncOp::create(rewriter, loc, name, type, LLVM::Linkage::Internal);
    Block *body = function.addEntryBlock(rewriter);
    rewriter.setInsertionPointToStart(body);
    Value packed = LLVM::LoadOp::create(rewriter, loc, structure, body->getArgument(1));
    SmallVector<Value> originals, fields;
    for (auto [i, argument] : llvm::enumerate(op.getArguments())) {
      originals.push_back(argument);
      fields.push_back(LLVM::ExtractValueOp::create(rewriter, loc, packed, i));
    }
    SmallVector<Value> operands{body->getArgument(0), body->getArgument(2), body->getArgument(3)};
    llvm::append_range(operands,
                       getTypeConverter()->promoteOperands(loc, originals, fields, rewriter));
    LLVM::CallOp::create(rewriter, loc, TypeRange(), op.getCallee(), operands);
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
    return function;
  }

  RuntimeCalls &runtime;
};

struct ConvertMoecToLLVM : impl::ConvertMoecToLLVMPassBase<ConvertMoecToLLVM> {
  using ConvertMoecToLLVMPassBase::ConvertMoecToLLVMPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<std::pair<func::FuncOp, FunctionType>> entries;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        entries.emplace_back(function, function.getFunctionType());
    if (entries.size() > 1) {
      entries[1].first.emitError("is a second public function: a model has one entry");
      return signalPassFailure();
    }
    FunctionType entryType = entries.empty() ? FunctionType() : entries[0].second;
    std::string entryName = entries.empty() ? "" : entries[0].first.getSymName().str();

    if (!entries.empty() && failed(checkEntry(entries[0].first)))
      return signalPassFailure();

    threadContext(module);
    expandChecks(module);
    if (failed(expandOperations(module)) || failed(convert(module)))
      return signalPassFailure();
    if (!entries.empty())
      emitEntry(module, entryName, entryType);
  }

private:
  /// What the runtime hands over are dense buffers.
  static LogicalResult checkEntry(func::FuncOp entry) {
    auto isBuffer = [](Type type) {
      auto buffer = dyn_cast<MemRefType>(type);
      return buffer && buffer.getLayout().isIdentity();
    };
    // The number of rows of the states is an index.
    for (Type type : entry.getArgumentTypes())
      if (!type.isIndex() && !isBuffer(type))
        return entry.emitError("takes ") << type << ", expected dense buffers";
    for (Type type : entry.getResultTypes())
      if (!isBuffer(type))
        return entry.emitError("gives ") << type << ", expected dense buffers";
    return success();
  }

  /// Masks of a length become comparisons of lane numbers, and division that rounds up or down what
  /// LLVM has. (Upstream's pass for the latter takes minima and maxima of floats apart as well:
  /// LLVM knows those, and makes vectors of loops over them.)
  LogicalResult expandOperations(ModuleOp module) {
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    vector::populateVectorMaskMaterializationPatterns(patterns, /*force32BitVectorIndices=*/true);
    return applyPatternsGreedily(module, std::move(patterns));
  }

  LogicalResult convert(ModuleOp module) {
    MLIRContext *context = &getContext();
    const auto &layouts = getAnalysis<DataLayoutAnalysis>();
    LowerToLLVMOptions options(context, layouts.getAtOrAbove(module));
    LLVMTypeConverter converter(context, options, &layouts);
    RuntimeCalls runtime(module);
    llvm::StringMap<int64_t> offsets;
    for (auto packed : module.getOps<kernel::PackedOp>())
      offsets[packed.getSymName()] = packed.getOffset();

    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    patterns.add<AllocLowering, AppendStateLowering, ArenaLowering, DeallocLowering, LaunchLowering,
                 NodeNameLowering, PlaceLowering>(converter, runtime);
    populateProfileToLLVMPatterns(converter, runtime, patterns);
    patterns.add<WeightLowering>(converter, runtime, offsets);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp, kernel::PackedOp>();
    target.addLegalDialect<moe::MoEDialect>();
    return applyFullConversion(module, target, std::move(patterns));
  }

  /// `moec_entry(context, inputs, outputs)`: descriptors from the runtime's buffers and back.
  void emitEntry(ModuleOp module, StringRef name, FunctionType type) {
    MLIRContext *context = &getContext();
    auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    callee.setLinkage(LLVM::Linkage::Internal);
    Location loc = callee.getLoc();
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto pointer = LLVM::LLVMPointerType::get(context);
    Type i64 = builder.getI64Type();
    auto entryType =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, pointer, pointer});
    auto entry = LLVM::LLVMFuncOp::create(builder, loc, kEntryName, entryType);
    entry.setVisibility_(LLVM::Visibility::Hidden);
    Block *body = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(body);
    Type buffer = getBufferType(context);
    auto element = [&](Value base, int64_t index, ArrayRef<LLVM::GEPArg> path) -> Value {
      SmallVector<LLVM::GEPArg> indices{static_cast<int32_t>(index)};
      llvm::append_range(indices, path);
      return LLVM::GEPOp::create(builder, loc, pointer, buffer, base, indices);
    };
    auto integer = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
    };

    SmallVector<Value> operands{body->getArgument(0)};
    for (auto [i, input] : llvm::enumerate(type.getInputs())) {
      auto memref = dyn_cast<MemRefType>(input);
      if (!memref) {
        operands.push_back(
            LLVM::LoadOp::create(builder, loc, i64, element(body->getArgument(1), i, {1, 0})));
        continue;
      }
      Value data =
          LLVM::LoadOp::create(builder, loc, pointer, element(body->getArgument(1), i, {0}));
      SmallVector<Value> sizes, strides(memref.getRank());
      for (int32_t d = 0; d < memref.getRank(); ++d)
        sizes.push_back(
            LLVM::LoadOp::create(builder, loc, i64, element(body->getArgument(1), i, {1, d})));
      Value stride = integer(1);
      for (int64_t d = memref.getRank(); d-- > 0;) {
        strides[d] = stride;
        stride = LLVM::MulOp::create(builder, loc, stride, sizes[d]);
      }
      llvm::append_range(operands, ValueRange{data, data, integer(0)});
      llvm::append_range(operands, sizes);
      llvm::append_range(operands, strides);
    }
    auto call = LLVM::CallOp::create(builder, loc, callee, operands);
    for (auto [i, output] : llvm::enumerate(type.getResults())) {
      auto memref = cast<MemRefType>(output);
      Value result = call.getResult();
      if (type.getNumResults() > 1)
        result = LLVM::ExtractValueOp::create(builder, loc, result, i);
      MemRefDescriptor descriptor(result);
      LLVM::StoreOp::create(builder, loc, descriptor.alignedPtr(builder, loc),
                            element(body->getArgument(2), i, {0}));
      for (int32_t d = 0; d < memref.getRank(); ++d)
        LLVM::StoreOp::create(builder, loc, descriptor.size(builder, loc, d),
                              element(body->getArgument(2), i, {1, d}));
    }
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }
};

} // namespace
} // namespace moec
