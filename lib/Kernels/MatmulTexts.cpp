//===- MatmulTexts.cpp - Drivers of matrix products, as MLIR text -------------------------===//
#include "MatmulTexts.h"

using llvm::StringLiteral;
using namespace moec;

const StringLiteral texts::kAliases = R"mlir(
!T = $T
!Matrices = memref<?x?x?x$T>
!Flat = memref<?x$T>
)mlir";

/// The rows of an item in tiles: a source of B, whole in depth and columns, with each.
const StringLiteral texts::kTileLoop = R"mlir(    scf.for %i = %c0 to %rows step %tileRows {
      %rowsLeft = arith.subi %rows, %i : index
      %tile = arith.minsi %rowsLeft, %tileRows : index
      %iA = arith.muli %i, %aRow : index
      %a0 = arith.addi %aStart, %iA : index
      %a1 = arith.addi %a0, %k0 : index
      %iC = arith.muli %i, %n : index
      %c2 = arith.addi %cStart, %iC : index
      scf.if %full {
        scf.index_switch %tile
$TILES
        default {}
      } else {
        scf.index_switch %tile
$MASKED
        default {}
      }
    }
)mlir";

const StringLiteral texts::kItem = R"mlir(
// One panel of columns of one matrix, `rows` rows of it.
func.func private @matmul_item_$S(%a: !Flat, %b: memref<?x$E>, %c: !Flat, %aStart: index, %bStart: index,
                                  %cStart: index, %rows: index, %depth: index, %aRow: index, %n: index,
                                  %width: index, %bRow: index, %bColumn: index, %panel: !Flat, %pack: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tileRows = arith.constant $R : index
  %columns = arith.constant $N : index
  %depthBlock = arith.constant $D : index
  %zero = arith.constant 0.0 : !T
  %full = arith.cmpi eq, %width, %columns : index
  // At least one step, so that an empty depth gives zeros.
  %steps = arith.maxsi %depth, %c1 : index
  scf.for %k0 = %c0 to %steps step %depthBlock {
    %left = arith.subi %depth, %k0 : index
    %block = arith.minsi %left, %depthBlock : index
    %accumulate = arith.cmpi sgt, %k0, %c0 : index
    %k0Start = arith.muli %k0, %bRow : index
    %blockStart = arith.addi %bStart, %k0Start : index
    scf.if %pack {
      scf.for %k = %c0 to %block step %c1 {
        %from0 = arith.muli %k, %bRow : index
        %from = arith.addi %blockStart, %from0 : index
        %to = arith.muli %k, %columns : index
        scf.for %j = %c0 to %width step %c1 {
          %jStart = arith.muli %j, %bColumn : index
          %p = arith.addi %from, %jStart : index
          $LOAD
          %q = arith.addi %to, %j : index
          memref.store %value, %panel[%q] : !Flat
        }
      }
    }
    %source = arith.select %pack, %panel, $SOURCE : !Flat
    %sourceStart = arith.select %pack, %c0, %blockStart : index
    %sourceRow = arith.select %pack, %columns, %bRow : index
$LOOP  }
  return
}

)mlir";

const StringLiteral texts::kBlocks = R"mlir(
// Rows of an item, a multiple of the tile's, such that all items have about as many; and the number of
// items that the rows of a matrix make.
func.func private @matmul_blocks_$S(%m: index) -> (index, index) {
  %c1 = arith.constant 1 : index
  %tileRows = arith.constant $R : index
  %largest = arith.constant $M : index
  %wanted0 = arith.ceildivsi %m, %largest : index
  %wanted = arith.maxsi %wanted0, %c1 : index
  %even = arith.ceildivsi %m, %wanted : index
  %tiles0 = arith.ceildivsi %even, %tileRows : index
  %tiles = arith.maxsi %tiles0, %c1 : index
  %rows = arith.muli %tiles, %tileRows : index
  %blocks = arith.ceildivsi %m, %rows : index
  return %rows, %blocks : index, index
}
)mlir";

/// B where it is, copied into panels where that pays. Its matrices, rows and columns may lie any
/// distance apart, so that a part of a larger buffer is read in place.
const StringLiteral texts::kDriver = R"mlir(
func.func private @matmul_driver_$S(%a: !Matrices, %bFlat: !Flat, %c: !Matrices, %bFirst: index,
                                    %bMatrix: index, %bRow: index, %bColumn: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %columns = arith.constant $N : index
  %batch = memref.dim %c, %c0 : !Matrices
  %m = memref.dim %c, %c1 : !Matrices
  %n = memref.dim %c, %c2 : !Matrices
  %k = memref.dim %a, %c2 : !Matrices
  %batchA = memref.dim %a, %c0 : !Matrices
  %aFlat = memref.collapse_shape %a [[0, 1, 2]] : !Matrices into !Flat
  %cFlat = memref.collapse_shape %c [[0, 1, 2]] : !Matrices into !Flat
  %sizeA = arith.muli %m, %k : index
  %sizeC = arith.muli %m, %n : index
  %oneA = arith.cmpi eq, %batchA, %c1 : index
  %strideA = arith.select %oneA, %c0, %sizeA : index

  %panels = arith.ceildivsi %n, %columns : index
  %rowBlock, %blocks = func.call @matmul_blocks_$S(%m) : (index) -> (index, index)
  %perMatrix = arith.muli %panels, %blocks : index
  %items = arith.muli %perMatrix, %batch : index
  // Ranges of fewer multiplications than this are not worth another worker's attention.
  %least = arith.constant 131072 : index
  %rowsOfItem = arith.minsi %m, %rowBlock : index
  // Few rows take as long as some more: the time is that of reading B.
  %fewRows = arith.constant 4 : index
  %costRows = arith.maxsi %rowsOfItem, %fewRows : index
  %areaOfItem = arith.muli %costRows, %columns : index
  %work0 = arith.muli %areaOfItem, %k : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  // Copying the panel pays when several tiles of rows use it, or when its rows are not contiguous.
  %packRows = arith.constant $PACKROWS : index
  %many = arith.cmpi sgt, %rowsOfItem, %packRows : index
  %strided = arith.cmpi ne, %bColumn, %c1 : index
  %pack = arith.ori %many, %strided : i1
  par.for %begin, %end in %items grain %grain {
    %panel0 = memref.alloca() {alignment = 64 : i64} : memref<$Px$T>
    %panel = memref.cast %panel0 : memref<$Px$T> to !Flat
    scf.for %item = %begin to %end step %c1 {
      // Neighbouring items share the panel's columns of B only where there are several blocks of rows.
      %matrix = arith.divui %item, %perMatrix : index
      %rest = arith.remui %item, %perMatrix : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %j = arith.muli %p, %columns : index
      %rowsLeft = arith.subi %m, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %columnsLeft = arith.subi %n, %j : index
      %width = arith.minsi %columnsLeft, %columns : index
      %a0 = arith.muli %matrix, %strideA : index
      %a1 = arith.muli %i, %k : index
      %aStart = arith.addi %a0, %a1 : index
      %b0 = arith.muli %matrix, %bMatrix : index
      %b1 = arith.muli %j, %bColumn : index
      %b2 = arith.addi %b0, %b1 : index
      %bStart = arith.addi %bFirst, %b2 : index
      %c3 = arith.muli %matrix, %sizeC : index
      %c4 = arith.muli %i, %n : index
      %c5 = arith.addi %c3, %c4 : index
      %cStart = arith.addi %c5, %j : index
      func.call @matmul_item_$S(%aFlat, %bFlat, %cFlat, %aStart, %bStart, %cStart, %rows, %k, %k, %n, %width,
                                %bRow, %bColumn, %panel, %pack)
        : (!Flat, !Flat, !Flat, index, index, index, index, index, index, index, index, index, index, !Flat, i1)
        -> ()
    }
  }
  return
}
)mlir";

/// An item whose columns of B lie in a panel: nothing is packed.
const StringLiteral texts::kItemOfPacked =
    R"mlir(func.call @matmul_item_$S(%aFlat, %bFlat, $TO, %aStart, $FROM, $FIRST, %rows, %depth, %k, $ROW,
                                %width, %columns, %c1, %bFlat, %false)
        : (!Flat, !Flat, !Flat, index, index, index, index, index, index, index, index, index, index, !Flat, i1)
        -> ())mlir";

/// B packed beforehand.
const StringLiteral texts::kPackedDriver = R"mlir(
func.func private @$NAME(%a: !Matrices, $B_ARGUMENTS, $E_ARGUMENTS%c: !Matrices) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %columns = arith.constant $N : index
  %batch = memref.dim %c, %c0 : !Matrices
  %m = memref.dim %c, %c1 : !Matrices
  %n = memref.dim %c, %c2 : !Matrices
  %k = memref.dim %a, %c2 : !Matrices
  %depth = memref.dim %a, %c2 : !Matrices
  %batchA = memref.dim %a, %c0 : !Matrices
  %batchB = memref.dim %b, %c0 : memref<?x?x?x?x$B>
  %aFlat = memref.collapse_shape %a [[0, 1, 2]] : !Matrices into !Flat
  %bFlat = memref.collapse_shape %b [[0, 1, 2, 3]] : memref<?x?x?x?x$B> into memref<?x$B>
  %cFlat = memref.collapse_shape %c [[0, 1, 2]] : !Matrices into !Flat
  %panels = arith.ceildivsi %n, %columns : index
  %bDepth = memref.dim %b, %c2 : memref<?x?x?x?x$B>
  %panelSize = arith.muli %bDepth, %columns : index
$B_SIZES$E_SIZES
  %sizeA = arith.muli %m, %k : index
  %sizeC = arith.muli %m, %n : index
  %oneA = arith.cmpi eq, %batchA, %c1 : index
  %oneB = arith.cmpi eq, %batchB, %c1 : index
  %strideA = arith.select %oneA, %c0, %sizeA : index
  %panelsOfMatrix = arith.select %oneB, %c0, %panels : index

  %rowBlock, %blocks = func.call @matmul_blocks_$S(%m) : (index) -> (index, index)
  %perMatrix = arith.muli %panels, %blocks : index
  %items = arith.muli %perMatrix, %batch : index
  %least = arith.constant 131072 : index
  %rowsOfItem = arith.minsi %m, %rowBlock : index
  // Few rows take as long as some more: the time is that of reading B.
  %fewRows = arith.constant 4 : index
  %costRows = arith.maxsi %rowsOfItem, %fewRows : index
  %columnsOfItem = arith.constant $ITEMCOLUMNS : index
  %areaOfItem = arith.muli %costRows, %columnsOfItem : index
  %work0 = arith.muli %areaOfItem, %k : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  %false = arith.constant false
  par.for %begin, %end in %items grain %grain {
$TASK_MEMORY
    scf.for %item = %begin to %end step %c1 {
      // Neighbouring items read the same panel.
      %matrix = arith.divui %item, %perMatrix : index
      %rest = arith.remui %item, %perMatrix : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %j = arith.muli %p, %columns : index
      %rowsLeft = arith.subi %m, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %columnsLeft = arith.subi %n, %j : index
      %width = arith.minsi %columnsLeft, %columns : index
      %a0 = arith.muli %matrix, %strideA : index
      %a1 = arith.muli %i, %k : index
      %aStart = arith.addi %a0, %a1 : index
      %firstPanel = arith.muli %matrix, %panelsOfMatrix : index
      %panelOfB = arith.addi %firstPanel, %p : index
      %bStart = arith.muli %panelOfB, %panelSize : index
      %c3 = arith.muli %matrix, %sizeC : index
      %c4 = arith.muli %i, %n : index
      %c5 = arith.addi %c3, %c4 : index
      %cStart = arith.addi %c5, %j : index
      $ITEM
$FINISH
    }
  }
  return
}
)mlir";

/// Rows in order by expert, each expert's with its own matrix of B, packed beforehand: one parallel
/// loop over (expert, panel of columns, block of rows). Rows of no expert, the last ones, are
/// zeros.
const StringLiteral texts::kGroupedFind = R"mlir(
// The expert that has the item, going on from expert `e`, whose items begin with `first`.
func.func private @grouped_find_$S(%offsets: memref<?xi64>, %panels: index, %item: index, %e: index,
                                   %first: index) -> (index, index, index, index) {
  %c1 = arith.constant 1 : index
  %expert, %begin, %start, %rows = scf.while (%at = %e, %itemsBefore = %first)
      : (index, index) -> (index, index, index, index) {
    %next = arith.addi %at, %c1 : index
    %from0 = memref.load %offsets[%at] : memref<?xi64>
    %to0 = memref.load %offsets[%next] : memref<?xi64>
    %from = arith.index_cast %from0 : i64 to index
    %to = arith.index_cast %to0 : i64 to index
    %m = arith.subi %to, %from : index
    %rowBlock, %blocks = func.call @matmul_blocks_$S(%m) : (index) -> (index, index)
    %items = arith.muli %blocks, %panels : index
    %after = arith.addi %itemsBefore, %items : index
    %isLater = arith.cmpi sge, %item, %after : index
    %nextAt = arith.select %isLater, %next, %at : index
    %nextBefore = arith.select %isLater, %after, %itemsBefore : index
    scf.condition(%isLater) %nextAt, %nextBefore, %from, %m : index, index, index, index
  } do {
  ^bb0(%at: index, %itemsBefore: index, %from: index, %m: index):
    scf.yield %at, %itemsBefore : index, index
  }
  return %expert, %begin, %start, %rows : index, index, index, index
}
)mlir";

const StringLiteral texts::kGroupedDriver = R"mlir(
func.func private @$NAME(%a: memref<?x?x$T>, %offsets: memref<?xi64>, $B_ARGUMENTS,
                         %bias: memref<?x?x$T>, $E_ARGUMENTS%c: memref<?x?x$T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %columns = arith.constant $N : index
  %false = arith.constant false
  %zero = arith.constant 0.0 : $T
  %m = memref.dim %c, %c0 : memref<?x?x$T>
  %n = memref.dim %c, %c1 : memref<?x?x$T>
  %k = memref.dim %a, %c1 : memref<?x?x$T>
  %bounds = memref.dim %offsets, %c0 : memref<?xi64>
  %experts = arith.subi %bounds, %c1 : index
  %biases = memref.dim %bias, %c0 : memref<?x?x$T>
  %hasBias = arith.cmpi ne, %biases, %c0 : index
  %aFlat = memref.collapse_shape %a [[0, 1]] : memref<?x?x$T> into !Flat
  %bFlat = memref.collapse_shape %b [[0, 1, 2, 3]] : memref<?x?x?x?x$B> into memref<?x$B>
  %cFlat = memref.collapse_shape %c [[0, 1]] : memref<?x?x$T> into !Flat
  // An expert has a matrix for each block of the rows' elements: one, if they are not cut.
  %allMatrices = memref.dim %b, %c0 : memref<?x?x?x?x$B>
  %products = arith.constant $PRODUCTS : index
  %matrices = arith.divui %allMatrices, %products : index
  %blocksOfRow = arith.divui %matrices, %experts : index
  %depth = arith.divui %k, %blocksOfRow : index
  %blockColumns = arith.divui %n, %blocksOfRow : index
  %panelsOfBlock = arith.ceildivsi %blockColumns, %columns : index
  %panels = arith.muli %blocksOfRow, %panelsOfBlock : index
  %bDepth = memref.dim %b, %c2 : memref<?x?x?x?x$B>
  %panelSize = arith.muli %bDepth, %columns : index
$B_SIZES$E_SIZES
  %itemsOfPanel = scf.for %e = %c0 to %experts step %c1 iter_args(%sum = %c0) -> index {
    %next = arith.addi %e, %c1 : index
    %from0 = memref.load %offsets[%e] : memref<?xi64>
    %to0 = memref.load %offsets[%next] : memref<?xi64>
    %rows0 = arith.subi %to0, %from0 : i64
    %rows = arith.index_cast %rows0 : i64 to index
    %rowBlock, %blocks = func.call @matmul_blocks_$S(%rows) : (index) -> (index, index)
    %more = arith.addi %sum, %blocks : index
    scf.yield %more : index
  }
  %filled0 = memref.load %offsets[%experts] : memref<?xi64>
  %filled = arith.index_cast %filled0 : i64 to index
  %items = arith.muli %itemsOfPanel, %panels : index
  %least = arith.constant 131072 : index
  %divisor = arith.maxsi %itemsOfPanel, %c1 : index
  %rowsOfItem = arith.ceildivsi %filled, %divisor : index
  %columnsOfItem = arith.constant $ITEMCOLUMNS : index
  %areaOfItem = arith.muli %rowsOfItem, %columnsOfItem : index
  %work0 = arith.muli %areaOfItem, %depth : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  par.for %begin, %end in %items grain %grain {
$TASK_MEMORY
    %e9, %first9 = scf.for %item = %begin to %end step %c1 iter_args(%e0 = %c0, %first0 = %c0) -> (index, index) {
      %e, %first, %start, %rowsOfExpert = func.call @grouped_find_$S(%offsets, %panels, %item, %e0, %first0)
        : (memref<?xi64>, index, index, index, index) -> (index, index, index, index)
      %rowBlock, %blocks = func.call @matmul_blocks_$S(%rowsOfExpert) : (index) -> (index, index)
      %rest = arith.subi %item, %first : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %blockOfRow = arith.divui %p, %panelsOfBlock : index
      %panelInBlock = arith.remui %p, %panelsOfBlock : index
      %inBlock = arith.muli %panelInBlock, %columns : index
      %firstColumn = arith.muli %blockOfRow, %blockColumns : index
      %j = arith.addi %firstColumn, %inBlock : index
      %rowsLeft = arith.subi %rowsOfExpert, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %columnsLeft = arith.subi %blockColumns, %inBlock : index
      %width = arith.minsi %columnsLeft, %columns : index
      %row = arith.addi %start, %i : index
      %a0 = arith.muli %row, %k : index
      %a1 = arith.muli %blockOfRow, %depth : index
      %aStart = arith.addi %a0, %a1 : index
      %firstPanel = arith.muli %e, %panels : index
      %panelOfB = arith.addi %firstPanel, %p : index
      %bStart = arith.muli %panelOfB, %panelSize : index
      %c3 = arith.muli %row, %n : index
      %cStart = arith.addi %c3, %j : index
      $ITEM
$FINISH
      scf.yield %e, %first : index, index
    }
  }
$RESTROWS
  return
}
)mlir";

/// Rows behind those of the last expert.
const StringLiteral texts::kRestRows = R"mlir(  %empty = arith.subi %m, %filled : index
  %rowGrain = arith.constant 64 : index
  par.for %begin, %end in %empty grain %rowGrain {
    scf.for %i = %begin to %end step %c1 {
      %row = arith.addi %filled, %i : index
      scf.for %j = %c0 to %n step %c1 {
        memref.store %zero, %c[%row, %j] : memref<?x?x$T>
      }
    }
  })mlir";

const StringLiteral texts::kAddBias = R"mlir(      scf.if %hasBias {
        scf.for %r = %c0 to %rows step %c1 {
          %to = arith.addi %row, %r : index
          scf.for %q = %c0 to %width step %c1 {
            %column = arith.addi %j, %q : index
            %v = memref.load %c[%to, %column] : memref<?x?x$T>
            %d = memref.load %bias[%e, %column] : memref<?x?x$T>
            %sum = arith.addf %v, %d : $T
            memref.store %sum, %c[%to, %column] : memref<?x?x$T>
          }
        }
      })mlir";

/// The grouped driver for matrices where they are, for the experts from `first` on. An element of
/// theirs may be narrower: panels are always packed then, so that nothing is widened that no row
/// asks for, and never more than a panel. Rows of other experts stay.
const StringLiteral texts::kGroupedPlainDriver = R"mlir(
func.func private @$NAME(%a: memref<?x?x$T>, %offsets: memref<?xi64>, %firstExpert: index, %filled: index,
                         %blocksOfRow: index, %b: memref<?x?x?x$E, strided<[?, ?, ?], offset: ?>>, %bias: memref<?x?x$T>,
                         %c: memref<?x?x$T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %columns = arith.constant $N : index
  %n = memref.dim %c, %c1 : memref<?x?x$T>
  %k = memref.dim %a, %c1 : memref<?x?x$T>
  %biases = memref.dim %bias, %c0 : memref<?x?x$T>
  %hasBias = arith.cmpi ne, %biases, %c0 : index
  %aFlat = memref.collapse_shape %a [[0, 1]] : memref<?x?x$T> into !Flat
  %cFlat = memref.collapse_shape %c [[0, 1]] : memref<?x?x$T> into !Flat
  %base, %bFirst, %matrices, %size1, %size2, %stride0, %stride1, %stride2 = memref.extract_strided_metadata %b
    : memref<?x?x?x$E, strided<[?, ?, ?], offset: ?>>
    -> memref<$E>, index, index, index, index, index, index, index
  // No size of it is asked for: where elements are follows from the strides.
  %all = arith.constant 0x7fffffffffffffff : index
  %bFlat = memref.reinterpret_cast %base to offset: [0], sizes: [%all], strides: [1]
    : memref<$E> to memref<?x$E>
  // An expert has a matrix for each block of the rows' elements: one, if they are not cut.
  %experts = arith.divui %matrices, %blocksOfRow : index
  %depth = arith.addi $DEPTHSIZE, %c0 : index
  %blockColumns = arith.addi $COLUMNSIZE, %c0 : index
  %panelsOfBlock = arith.ceildivsi %blockColumns, %columns : index
  %panels = arith.muli %blocksOfRow, %panelsOfBlock : index
  %lastExpert = arith.addi %firstExpert, %experts : index
  %groups = scf.for %e = %firstExpert to %lastExpert step %c1 iter_args(%sum = %c0) -> index {
    %next = arith.addi %e, %c1 : index
    %from0 = memref.load %offsets[%e] : memref<?xi64>
    %to0 = memref.load %offsets[%next] : memref<?xi64>
    %rows0 = arith.subi %to0, %from0 : i64
    %rows = arith.index_cast %rows0 : i64 to index
    %rowBlock, %blocks = func.call @matmul_blocks_$S(%rows) : (index) -> (index, index)
    %more = arith.addi %sum, %blocks : index
    scf.yield %more : index
  }
  %items = arith.muli %groups, %panels : index
  %least = arith.constant 131072 : index
  %divisor = arith.maxsi %groups, %c1 : index
  %rowsOfItem = arith.ceildivsi %filled, %divisor : index
  // Few rows take as long as some more: the time is that of reading B.
  %fewRows = arith.constant 4 : index
  %costRows = arith.maxsi %rowsOfItem, %fewRows : index
  %areaOfItem = arith.muli %costRows, %columns : index
  %work0 = arith.muli %areaOfItem, %depth : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  %packRows = arith.constant $PACKROWS : index
  %strided = arith.cmpi ne, $COLUMNSTRIDE, %c1 : index
  %narrow = arith.constant $NARROW
  %always = arith.ori %strided, %narrow : i1
  par.for %begin, %end in %items grain %grain {
    %panel0 = memref.alloca() {alignment = 64 : i64} : memref<$Px$T>
    %panel = memref.cast %panel0 : memref<$Px$T> to !Flat
    %e9, %first9 = scf.for %item = %begin to %end step %c1 iter_args(%e0 = %firstExpert, %first0 = %c0)
        -> (index, index) {
      %e, %first, %start, %rowsOfExpert = func.call @grouped_find_$S(%offsets, %panels, %item, %e0, %first0)
        : (memref<?xi64>, index, index, index, index) -> (index, index, index, index)
      %rowBlock, %blocks = func.call @matmul_blocks_$S(%rowsOfExpert) : (index) -> (index, index)
      %rest = arith.subi %item, %first : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %blockOfRow = arith.divui %p, %panelsOfBlock : index
      %panelInBlock = arith.remui %p, %panelsOfBlock : index
      %inBlock = arith.muli %panelInBlock, %columns : index
      %firstColumn = arith.muli %blockOfRow, %blockColumns : index
      %j = arith.addi %firstColumn, %inBlock : index
      %rowsLeft = arith.subi %rowsOfExpert, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %columnsLeft = arith.subi %blockColumns, %inBlock : index
      %width = arith.minsi %columnsLeft, %columns : index
      %many = arith.cmpi sgt, %rows, %packRows : index
      %pack = arith.ori %many, %always : i1
      %row = arith.addi %start, %i : index
      %a0 = arith.muli %row, %k : index
      %a1 = arith.muli %blockOfRow, %depth : index
      %aStart = arith.addi %a0, %a1 : index
      %matrix0 = arith.subi %e, %firstExpert : index
      %matrix1 = arith.muli %matrix0, %blocksOfRow : index
      %matrix = arith.addi %matrix1, %blockOfRow : index
      %b0 = arith.muli %matrix, %stride0 : index
      %b1 = arith.muli %inBlock, $COLUMNSTRIDE : index
      %b2 = arith.addi %b0, %b1 : index
      %bStart = arith.addi %bFirst, %b2 : index
      %c2 = arith.muli %row, %n : index
      %cStart = arith.addi %c2, %j : index
      func.call @matmul_item_$S(%aFlat, %bFlat, %cFlat, %aStart, %bStart, %cStart, %rows, %depth, %k, %n, %width,
                                $ROWSTRIDE, $COLUMNSTRIDE, %panel, %pack)
        : (!Flat, memref<?x$E>, !Flat, index, index, index, index, index, index, index, index, index, index, !Flat, i1)
        -> ()
$ADDBIAS
      scf.yield %e, %first : index, index
    }
  }
  return
}
)mlir";

/// The public function: picks the panel width by the number of columns.
const StringLiteral texts::kEntry = R"mlir(
func.func private @$NAME(%a: memref<?x?x?x$T>, %b: memref<?x?x?x$T, strided<[?, ?, ?], offset: ?>>,
                         %c: memref<?x?x?x$T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %c, %c2 : memref<?x?x?x$T>
  %base, %first, %batch, %size1, %size2, %stride0, %stride1, %stride2 = memref.extract_strided_metadata %b
    : memref<?x?x?x$T, strided<[?, ?, ?], offset: ?>>
    -> memref<$T>, index, index, index, index, index, index, index
  %one = arith.cmpi eq, %batch, %c1 : index
  %matrix = arith.select %one, %c0, %stride0 : index
  // No size of it is asked for: where elements are follows from the strides.
  %all = arith.constant 0x7fffffffffffffff : index
  %flat = memref.reinterpret_cast %base to offset: [0], sizes: [%all], strides: [1]
    : memref<$T> to memref<?x$T>
$CHOICE
  return
}
)mlir";
