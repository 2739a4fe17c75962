//===- KernelBufferization.cpp - The kernel dialect on buffers
//--------------------------------------===//
#include "dialects/Kernel/KernelOps.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace moec::kernel {
namespace {

struct CallModel : DstBufferizableOpInterfaceExternalModel<CallModel, CallOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    // Whether a kernel reads its output is not said in the IR: assume that it does unless the
    // output is freshly made, which the analysis sees by itself.
    return isa<TensorType>(operand.get().getType());
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    auto call = cast<CallOp>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> inputs, outputs;
    for (Value input : call.getInputs()) {
      if (!isa<TensorType>(input.getType())) {
        inputs.push_back(input);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, input, options, state);
      if (failed(buffer))
        return failure();
      inputs.push_back(*buffer);
    }
    for (Value output : call.getOutputs()) {
      FailureOr<Value> buffer = getBuffer(rewriter, output, options, state);
      if (failed(buffer))
        return failure();
      outputs.push_back(*buffer);
    }
    CallOp::create(rewriter, op->getLoc(), TypeRange(), call.getKernelAttr(), inputs, outputs)
        ->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    replaceOpWithBufferizedValues(rewriter, op, outputs);
    return success();
  }
};

struct WeightModel : BufferizableOpInterface::ExternalModel<WeightModel, WeightOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto weight = cast<WeightOp>(op);
    auto tensor = dyn_cast<RankedTensorType>(weight.getType());
    if (!tensor)
      return success();
    auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
    replaceOpWithNewBufferizedOp<WeightOp>(rewriter, op, type, weight.getKeyAttr());
    return success();
  }
};

} // namespace

void registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    CallOp::attachInterface<CallModel>(*context);
    WeightOp::attachInterface<WeightModel>(*context);
  });
}

} // namespace moec::kernel
