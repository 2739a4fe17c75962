//===- LinkKernels.cpp - Calls of kernels become calls of functions
//---------------------------------===//
#include "dialects/Kernel/KernelOps.h"
#include "moec/Kernels/Kernels.h"
#include "passes/Transforms/Passes.h"

#include "dialects/Par/ParOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace moec {
#define GEN_PASS_DEF_LINKKERNELSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

class KernelLinker {
public:
  KernelLinker(ModuleOp module, const KernelOptions &options)
      : module(module), symbols(module), options(options) {}

  LogicalResult link(kernel::CallOp call) {
    func::FuncOp callee = find(call.getKernel());
    if (!callee)
      return call.emitOpError("calls '") << call.getKernel() << "', which is no kernel";
    SmallVector<Value> operands(call.getInputs());
    llvm::append_range(operands, call.getOutputs());
    ArrayRef<Type> expected = callee.getArgumentTypes();
    if (expected.size() != operands.size())
      return call.emitOpError("passes ") << operands.size() << " operands to '" << call.getKernel()
                                         << "', which takes " << expected.size();
    OpBuilder builder(call);
    unsigned numInputs = call.getInputs().size();
    SmallVector<std::pair<Value, Value>> copyBack;
    for (auto [i, operand, type] : llvm::enumerate(operands, expected)) {
      if (operand.getType() == type)
        continue;
      auto from = dyn_cast<MemRefType>(operand.getType()), to = dyn_cast<MemRefType>(type);
      if (!from || !to || from.getElementType() != to.getElementType() ||
          from.getRank() != to.getRank())
        return call.emitOpError("passes ") << operand.getType() << " to '" << call.getKernel()
                                           << "', which takes " << type << " as operand " << i;
      if (!from.getLayout().isIdentity() && to.getLayout().isIdentity()) {
        // A view where the kernel wants a dense buffer. (A cast would be accepted by the verifier,
        // and drop the view's offset.)
        Value dense = makeDense(builder, call.getLoc(), operand);
        memref::CopyOp::create(builder, call.getLoc(), operand, dense);
        if (i >= numInputs)
          copyBack.emplace_back(dense, operand);
        operand = dense;
      }
      operand = memref::CastOp::create(builder, call.getLoc(), to, operand);
    }
    func::CallOp::create(builder, call.getLoc(), callee, operands);
    for (auto [dense, view] : copyBack)
      memref::CopyOp::create(builder, call.getLoc(), dense, view);
    call.erase();
    return success();
  }

private:
  static Value makeDense(OpBuilder &builder, Location loc, Value view) {
    auto type = cast<MemRefType>(view.getType());
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(memref::DimOp::create(builder, loc, view, i));
    return memref::AllocOp::create(builder, loc,
                                   MemRefType::get(type.getShape(), type.getElementType()), sizes,
                                   builder.getI64IntegerAttr(64));
  }

  /// The kernel's function, brought into the module with its helpers on first use.
  func::FuncOp find(StringRef name) {
    if (auto known = symbols.lookup<func::FuncOp>(name))
      return known;
    OwningOpRef<ModuleOp> library = instantiateKernel(*module.getContext(), name, options);
    if (!library)
      return {};
    for (Operation &op : llvm::make_early_inc_range(library->getBody()->getOperations())) {
      auto function = dyn_cast<func::FuncOp>(op);
      if (!function || symbols.lookup(function.getSymName()))
        continue; // shared helpers come once
      function->remove();
      function.setPrivate();
      module.push_back(function);
      symbols.insert(function);
    }
    return symbols.lookup<func::FuncOp>(name);
  }

  ModuleOp module;
  SymbolTable symbols;
  KernelOptions options;
};

struct LinkKernels : impl::LinkKernelsPassBase<LinkKernels> {
  using LinkKernelsPassBase::LinkKernelsPassBase;

  void runOnOperation() override {
    KernelLinker linker(getOperation(),
                        KernelOptions{vectorBytes, vectorRegisters, fusesMultiplyAdd});
    SmallVector<kernel::CallOp> calls;
    getOperation().walk([&](kernel::CallOp call) { calls.push_back(call); });
    for (kernel::CallOp call : calls)
      if (failed(linker.link(call)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace moec
