#include "moec/Kernels/Kernels.h"
#include "MatmulKernel.h"
#include "moec/Kernels/KernelLibrary.h"

using namespace mlir;

OwningOpRef<ModuleOp> moec::instantiateKernel(MLIRContext &context, StringRef name,
                                              const KernelOptions &options) {
  if (OwningOpRef<ModuleOp> matmul = buildMatmulKernel(context, name, options))
    return matmul;
  return instantiateLibraryKernel(context, name);
}
