//===- CodedTexts.cpp - What drivers of products with codes have in addition --------------===//
#include "MatmulTexts.h"

using llvm::StringLiteral;
using namespace moec;

/// What drivers of a packed B have in addition if it is packed as codes: their scales and zero
/// points, in panels too.
const StringLiteral texts::kCodedArguments =
    "%b: memref<?x?x?x?xi8>, %scales: memref<?x?x?x?x$SCALE>, $ZERO, %group: index";

const StringLiteral texts::kCodedSizes = R"mlir(
  %scalesFlat = memref.collapse_shape %scales [[0, 1, 2, 3]] : memref<?x?x?x?x$SCALE> into memref<?x$SCALE>
  %scaleDepth = memref.dim %scales, %c2 : memref<?x?x?x?x$SCALE>
  %scalePanel = arith.muli %scaleDepth, %columns : index
)mlir";

const StringLiteral texts::kZeroSizes = R"mlir(
  %codeZero = memref.collapse_shape %zeros [[0, 1, 2, 3]] : memref<?x?x?x?xi8> into memref<?xi8>
  %zeroDepth = memref.dim %zeros, %c2 : memref<?x?x?x?xi8>
  %zeroPanel = arith.muli %zeroDepth, %columns : index
)mlir";

/// One panel's rows for a block of the depth, as numbers.
const StringLiteral texts::kCodedMemory = R"mlir(
    %panel0 = memref.alloca() {alignment = 64 : i64} : memref<$Px$T>
    %panel = memref.cast %panel0 : memref<$Px$T> to !Flat
)mlir";

const StringLiteral texts::kItemOfCodes = R"mlir(
      %scale$OF = arith.muli $PANELOFB, %scalePanel : index
      %zero$OF = arith.muli $PANELOFB, %zeroPanel : index
      func.call @coded_item_$CODED(%aFlat, %bFlat, %scalesFlat, %codeZero, $TO, %aStart, $FROM, %scale$OF,
                                   %zero$OF, $FIRST, %rows, %depth, %k, $ROW, %width, %group, %panel)
        : (!Flat, memref<?xi8>, memref<?x$SCALE>, $Z, !Flat, index, index, index, index, index, index, index, index,
           index, index, index, !Flat) -> ()
)mlir";

/// One panel of codes of one matrix, `rows` rows of it. Few rows take the numbers from registers;
/// for more, each block is decoded once. Either way a row's sums are the same, number for number.
/// A group of the depth is a block or more, or lies within one.
const StringLiteral texts::kCodedItem = R"mlir(
func.func private @coded_item_$CODED(
    %a: !Flat, %b: memref<?xi8>, %scales: memref<?x$SCALE>, %zero: $Z, %c: !Flat, %aStart: index, %bStart: index,
    %scaleStart: index, %zeroStart: index, %cStart: index, %rows: index, %depth: index, %aRow: index, %n: index,
    %width: index, %group: index, %panel: !Flat) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tileRows = arith.constant $R : index
  %columns = arith.constant $N : index
  %depthBlock = arith.constant $D : index
  %perByte = arith.constant $PERBYTE : index
  %most = arith.constant $FEW : index
  %full = arith.cmpi eq, %width, %columns : index
  %few = arith.cmpi sle, %rows, %most : index
  // At least one step, so that an empty depth gives zeros.
  %steps = arith.maxsi %depth, %c1 : index
  scf.for %k0 = %c0 to %steps step %depthBlock {
    %left = arith.subi %depth, %k0 : index
    %block = arith.minsi %left, %depthBlock : index
    %accumulate = arith.cmpi sgt, %k0, %c0 : index
    %bytes = arith.divui %k0, %perByte : index
    %b0 = arith.muli %bytes, %columns : index
    %b1 = arith.addi %bStart, %b0 : index
    %firstGroup = arith.divui %k0, %group : index
    %s0 = arith.muli %firstGroup, %columns : index
    %s1 = arith.addi %scaleStart, %s0 : index
    scf.if %few {
      %a1 = arith.addi %aStart, %k0 : index
      scf.if %full {
        scf.index_switch %rows
$CODED_TILES
        default {}
      } else {
        scf.index_switch %rows
$CODED_MASKED
        default {}
      }
    } else {
      func.call @coded_rows_$CODED(%b, %b1, %scales, %s1, %zero, %zeroStart, %firstGroup, %group, %block, %panel)
        : (memref<?xi8>, index, memref<?x$SCALE>, index, $Z, index, index, index, index, !Flat) -> ()
      %source = memref.cast %panel : !Flat to !Flat
      %sourceStart = arith.constant 0 : index
      %sourceRow = arith.constant $N : index
$LOOP    }
  }
  return
}
)mlir";
