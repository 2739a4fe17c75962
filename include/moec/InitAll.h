//===- InitAll.h - Everything the tools register -----------------------------------------*- C++
//-*-===//
#ifndef MOEC_INITALL_H
#define MOEC_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace moec {

/// Our dialects and those of MLIR that the pipelines use, with the interfaces attached to them.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Our passes and pipelines, and MLIR's cleanup passes.
void registerAllPasses();

} // namespace moec

#endif // MOEC_INITALL_H
