//===- Panels.h - Matrices packed into panels of columns --------------------------------------===//
//
// The layout that matrix kernels stream: the columns of a matrix [depth, columns] cut into panels
// of `panel` columns, each panel row by row, the last one filled up with zeros. In memory: [count,
// ceil(columns / panel), depth, panel].
//
// Codes of fewer than 8 bits lie in bytes, low bits first, in the tensor side by side in row-major
// order, in a panel those of neighbouring rows of one column: [count, ceil(columns / panel),
// ceil(depth / perByte), panel] bytes.
//
//===----------------------------------------------------------------------------------------===//
#ifndef MOEC_WEIGHTS_PANELS_H
#define MOEC_WEIGHTS_PANELS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/FunctionExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>

namespace moec {

/// `count` matrices [depth, columns] that lie in a tensor, and the panels they are packed into.
/// Element (i, k, n) of the matrices is element offset + i·countStride + k·depthStride +
/// n·columnStride of the tensor. All in elements of `elementSize` bytes, or with `perByte` > 1 in
/// codes of which so many lie in a byte.
struct PanelLayout {
  int64_t elementSize = 4;
  int64_t perByte = 1; ///< 1, 2, 4 or 8; elementSize is 1 if not 1
  int64_t offset = 0;
  int64_t count = 1, depth = 0, columns = 0;
  int64_t countStride = 0, depthStride = 0, columnStride = 0;
  int64_t panel = 1;

  int64_t panels() const { return (columns + panel - 1) / panel; }
  /// Rows of a panel, in memory.
  int64_t packedDepth() const { return depth / perByte + (depth % perByte != 0); }
  /// Bytes of the packed form; std::nullopt if that is no number.
  std::optional<int64_t> packedSize() const;
  /// Fails if a number is negative, `panel` or `elementSize` is not positive, `perByte` is none of
  /// its values, the packed form has no size, or the matrices do not lie within a tensor of
  /// `tensorSize` bytes.
  llvm::Error verify(int64_t tensorSize) const;
};

/// Hands the packed form to the sink, some panels at a time, of which it holds no more than one or
/// 32 MB. After about as much of the tensor has been read, `passed` is told the first byte and the
/// one behind the last: a mapped tensor need not stay in memory.
llvm::Error packPanels(llvm::ArrayRef<char> tensor, const PanelLayout &layout,
                       llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> sink,
                       llvm::function_ref<void(int64_t begin, int64_t end)> passed = {});

/// A tensor with matrices of which each is a part of the columns of a wider one.
struct PanelSource {
  llvm::ArrayRef<char> tensor;
  PanelLayout layout;
  llvm::unique_function<void(int64_t begin, int64_t end)> passed; ///< as for one tensor; optional
};

/// The same of matrices whose columns come from several tensors: matrix i is made of the matrices i
/// of all sources side by side, at least one. Sources have one count, depth, panel and element
/// size.
llvm::Error packPanels(llvm::MutableArrayRef<PanelSource> sources,
                       llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> sink);

/// Puts the matrices of the packed form back where they lie in the tensor.
llvm::Error unpackPanels(llvm::ArrayRef<char> packed, const PanelLayout &layout,
                         llvm::MutableArrayRef<char> tensor);

} // namespace moec

#endif // MOEC_WEIGHTS_PANELS_H
