//===- Epilogue.h - What is done to a tile of a product while it is in the cache ---------*- C++
//-*-===//
#ifndef MOEC_LIB_KERNELS_EPILOGUE_H
#define MOEC_LIB_KERNELS_EPILOGUE_H

#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/BuiltinOps.h"

namespace moec {

/// What an item does to its elements after the product: adds the bias of their column, applies the
/// function, or `moe.glu` with the same columns of a second product, and adds the residual.
struct Epilogue {
  moe::ActivationKind kind = moe::ActivationKind::Identity;
  bool gated = false, bias = false, residual = false;

  /// From the part of a kernel's name: KIND, in front of it "bias_", after it "_glu" and
  /// "_residual" in this order. std::nullopt if it is none.
  static std::optional<Epilogue> parse(llvm::StringRef name);
};

/// Adds the function `name` of an item to the module:
///
///   name(c: memref<?xT>, first: index, n: index, rows: index, width: index,
///        bias: memref<?xT>, biasFirst: index, upBiasFirst: index, up: memref<?xT>,
///        residual: memref<?xT>, alpha: T, offset: T, limit: T)
///
/// c[first + r·n + q], for r < rows and q < width, holds the product, and the result afterwards.
/// Biases are at biasFirst + q (of a second product at upBiasFirst + q), residuals where elements
/// of c are, a second product in `up`, in rows of `columns` elements. Vectors have `lanes`. Without
/// an offset it is -0, without a limit infinity: both leave every number as it is.
void buildEpilogue(mlir::ModuleOp module, llvm::StringRef name, mlir::Type elementType,
                   unsigned lanes, unsigned columns, const Epilogue &epilogue);

/// What drivers have in addition (MatmulTexts.h): $EPILOGUE is the function's name, $UPSIZE how
/// many elements of a second product an item has.
namespace texts {

extern const llvm::StringLiteral kEpilogueArguments, kResidualArgument, kDenseEpilogueSizes,
    kGroupedEpilogueSizes, kUpMemory, kUpPanel, kEpilogueCall;

} // namespace texts
} // namespace moec

#endif // MOEC_LIB_KERNELS_EPILOGUE_H
