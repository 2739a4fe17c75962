//===- MatmulTexts.h - Drivers of matrix products, as MLIR text --------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_KERNELS_MATMULTEXTS_H
#define MOEC_LIB_KERNELS_MATMULTEXTS_H

#include "llvm/ADT/StringRef.h"

/// In the texts: $T element type, $N columns of a panel, $R rows of a tile, $D depth of a block, $P
/// size of a panel of a block, $M rows of an item, $S suffix of names, $TILES the calls of the
/// micro-kernels by the number of rows, $LOOP the loop over tiles. Elements of a B that is no
/// panels are $E. An item writes $TO from $FIRST on, in rows $ROW apart, from the panel of B that
/// begins at $FROM; what follows it is $FINISH. A packed B has elements $B; if it is packed as
/// codes, its scales are $SCALE, its zero points $Z, $CODED is the suffix of names, and up to $FEW
/// rows of A are multiplied with what is decoded in registers.
namespace moec::texts {

extern const llvm::StringLiteral kAliases, kTileLoop, kItem, kBlocks, kDriver, kItemOfPacked,
    kPackedDriver, kGroupedFind, kGroupedDriver, kAddBias, kRestRows, kGroupedPlainDriver,
    kCodedArguments, kCodedSizes, kZeroSizes, kCodedMemory, kItemOfCodes, kCodedItem, kEntry,
    kRaggedFind, kRaggedDriver, kRaggedStart, kRaggedGroups, kRaggedCase, kRaggedCodedCase;

} // namespace moec::texts

#endif // MOEC_LIB_KERNELS_MATMULTEXTS_H
