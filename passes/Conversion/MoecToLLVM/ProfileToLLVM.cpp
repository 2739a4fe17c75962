#include "passes/Conversion/MoecToLLVM/ProfileToLLVM.h"

#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/MoecToLLVM/RuntimeCalls.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace moec;

namespace {

/// An operation with a number, the first operand of the runtime's function beside the context; its
/// own operands come after.
template <typename Op>
struct ProfileLowering : ConvertOpToLLVMPattern<Op> {
  ProfileLowering(const LLVMTypeConverter &converter, RuntimeCalls &runtime, StringRef function,
                  uint64_t (Op::*number)())
      : ConvertOpToLLVMPattern<Op>(converter), runtime(runtime), function(function),
        number(number) {}

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto parent = op->template getParentOfType<FunctionOpInterface>();
    runtime.emitProfile(rewriter, op.getLoc(), function, parent.getFunctionBody().getArgument(0),
                        (op.*number)(), adaptor.getOperands());
    rewriter.eraseOp(op);
    return success();
  }

  RuntimeCalls &runtime;
  StringRef function; ///< a literal
  uint64_t (Op::*number)();
};

} // namespace

void moec::populateProfileToLLVMPatterns(const LLVMTypeConverter &converter, RuntimeCalls &runtime,
                                         RewritePatternSet &patterns) {
  using namespace kernel;
  patterns.add<ProfileLowering<ProfileStartOp>>(converter, runtime, "moec_rt_profile_start",
                                                &ProfileStartOp::getCount);
  patterns.add<ProfileLowering<ProfileBeginOp>>(converter, runtime, "moec_rt_profile_begin",
                                                &ProfileBeginOp::getStretch);
  patterns.add<ProfileLowering<ProfileEndOp>>(converter, runtime, "moec_rt_profile_end",
                                              &ProfileEndOp::getStretch);
}
