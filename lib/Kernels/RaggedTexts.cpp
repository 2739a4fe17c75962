//===- RaggedTexts.cpp - Drivers of products with matrices of different sizes -------------===//
#include "MatmulTexts.h"

using llvm::StringLiteral;
using namespace moec;

/// Rows in order by expert, as with kGroupedDriver, but for matrices of different sizes. What is
/// known of an expert's is a row of the table (RaggedMatrix).
const StringLiteral texts::kRaggedFind = R"mlir(
// The items of an expert: of each panel, one for each block of its rows.
func.func private @ragged_items_$S(%offsets: memref<?xi64>, %table: memref<?x?xi64>, %e: index)
    -> (index, index, index) {
  %c1 = arith.constant 1 : index
  %columns = arith.constant $N : index
  %next = arith.addi %e, %c1 : index
  %from0 = memref.load %offsets[%e] : memref<?xi64>
  %to0 = memref.load %offsets[%next] : memref<?xi64>
  %from = arith.index_cast %from0 : i64 to index
  %to = arith.index_cast %to0 : i64 to index
  %rows = arith.subi %to, %from : index
  %width0 = memref.load %table[%e, %c1] : memref<?x?xi64>
  %width = arith.index_cast %width0 : i64 to index
  %panels = arith.ceildivsi %width, %columns : index
  %rowBlock, %blocks = func.call @matmul_blocks_$S(%rows) : (index) -> (index, index)
  %items = arith.muli %blocks, %panels : index
  return %items, %from, %rows : index, index, index
}
// The expert that has the item, going on from expert `e`, whose items begin with `first`.
func.func private @ragged_find_$S(%offsets: memref<?xi64>, %table: memref<?x?xi64>, %item: index, %e: index,
                                  %first: index) -> (index, index, index, index) {
  %c1 = arith.constant 1 : index
  %expert, %begin, %start, %rows = scf.while (%at = %e, %itemsBefore = %first)
      : (index, index) -> (index, index, index, index) {
    %items, %from, %m = func.call @ragged_items_$S(%offsets, %table, %at)
      : (memref<?xi64>, memref<?x?xi64>, index) -> (index, index, index)
    %after = arith.addi %itemsBefore, %items : index
    %isLater = arith.cmpi sge, %item, %after : index
    %next = arith.addi %at, %c1 : index
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

/// $CASES: for each number of registers, a panel that takes so many.
const StringLiteral texts::kRaggedDriver = R"mlir(
func.func private @$NAME(%a: memref<?x?x$T>, %offsets: memref<?xi64>, %table: memref<?x?xi64>, %area: index,
                         $B_ARGUMENTS, %bias: memref<?x?x$T>, %c: memref<?x?x$T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %columns = arith.constant $N : index
  %lanes = arith.constant $LANES : index
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
  %cFlat = memref.collapse_shape %c [[0, 1]] : memref<?x?x$T> into !Flat
  %items = scf.for %e = %c0 to %experts step %c1 iter_args(%sum = %c0) -> index {
    %own, %from, %rows = func.call @ragged_items_$S(%offsets, %table, %e)
      : (memref<?xi64>, memref<?x?xi64>, index) -> (index, index, index)
    %more = arith.addi %sum, %own : index
    scf.yield %more : index
  }
  %filled0 = memref.load %offsets[%experts] : memref<?xi64>
  %filled = arith.index_cast %filled0 : i64 to index
  // Ranges of fewer multiplications than this are not worth another worker's attention.
  %least = arith.constant 131072 : index
  %divisor = arith.maxsi %items, %c1 : index
  %all = arith.muli %filled, %area : index
  %work0 = arith.ceildivsi %all, %divisor : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  par.for %begin, %end in %items grain %grain {
$TASK_MEMORY
    %e9, %first9 = scf.for %item = %begin to %end step %c1 iter_args(%e0 = %c0, %first0 = %c0) -> (index, index) {
      %e, %first, %start, %rowsOfExpert = func.call @ragged_find_$S(%offsets, %table, %item, %e0, %first0)
        : (memref<?xi64>, memref<?x?xi64>, index, index, index) -> (index, index, index, index)
      %rowBlock, %blocks = func.call @matmul_blocks_$S(%rowsOfExpert) : (index) -> (index, index)
      %rest = arith.subi %item, %first : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %rowsLeft = arith.subi %rowsOfExpert, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %depth0 = memref.load %table[%e, %c0] : memref<?x?xi64>
      %depth = arith.index_cast %depth0 : i64 to index
      %ownWidth0 = memref.load %table[%e, %c1] : memref<?x?xi64>
      %ownWidth = arith.index_cast %ownWidth0 : i64 to index
      %j = arith.muli %p, %columns : index
      %columnsLeft = arith.subi %ownWidth, %j : index
      %width = arith.minsi %columnsLeft, %columns : index
      // What is left after the widest panels is in one that has no more registers than it takes.
      %isWhole = arith.cmpi eq, %width, %columns : index
      %vectors = arith.ceildivsi %width, %lanes : index
      %row = arith.addi %start, %i : index
      %aStart = arith.muli %row, %k : index
      %cRow = arith.muli %row, %n : index
      %cStart = arith.addi %cRow, %j : index
$STARTS
      scf.index_switch %vectors
$CASES
      default {}
$ADDBIAS
      // Behind the last panel.
      %end9 = arith.addi %j, %width : index
      %isLast = arith.cmpi eq, %end9, %ownWidth : index
      %zeroEnd = arith.select %isLast, %n, %end9 : index
      scf.for %r = %c0 to %rows step %c1 {
        %to = arith.addi %row, %r : index
        scf.for %q = %end9 to %zeroEnd step %c1 {
          memref.store %zero, %c[%to, %q] : memref<?x?x$T>
        }
      }
      scf.yield %e, %first : index, index
    }
  }
$RESTROWS
  return
}
)mlir";

/// Where the panel of an item begins, of panels of $DEPTH rows: element number `%$WHAT`.
const StringLiteral texts::kRaggedStart = R"mlir(
      %$WHATColumn = arith.constant $COLUMN : index
      %$WHATRestColumn = arith.constant $RESTCOLUMN : index
      %$WHATFirst0 = memref.load %table[%e, %$WHATColumn] : memref<?x?xi64>
      %$WHATFirst = arith.index_cast %$WHATFirst0 : i64 to index
      %$WHATRest0 = memref.load %table[%e, %$WHATRestColumn] : memref<?x?xi64>
      %$WHATRest = arith.index_cast %$WHATRest0 : i64 to index
      %$WHATBefore = arith.muli %j, $DEPTH : index
      %$WHATWhole = arith.addi %$WHATFirst, %$WHATBefore : index
      %$WHAT = arith.select %isWhole, %$WHATWhole, %$WHATRest : index
)mlir";

/// The depths of panels of codes and of their scales and zero points.
const StringLiteral texts::kRaggedGroups = R"mlir(
      %c4 = arith.constant 4 : index
      %perByte = arith.constant $PERBYTE : index
      %group0 = memref.load %table[%e, %c4] : memref<?x?xi64>
      %group = arith.index_cast %group0 : i64 to index
      %codeDepth = arith.ceildivsi %depth, %perByte : index
      %scaleDepth = arith.ceildivsi %depth, %group : index
      %zeroDepth = arith.ceildivsi %scaleDepth, %perByte : index
)mlir";

const StringLiteral texts::kRaggedCase = R"mlir(
      case $VECTORS {
        %bRow = arith.constant $N : index
        func.call @matmul_item_$S(%aFlat, %b, %cFlat, %aStart, %bStart, %cStart, %rows, %depth, %k, %n, %width,
                                  %bRow, %c1, %b, %false)
          : (!Flat, !Flat, !Flat, index, index, index, index, index, index, index, index, index, index, !Flat, i1)
          -> ()
        scf.yield
      })mlir";

const StringLiteral texts::kRaggedCodedCase = R"mlir(
      case $VECTORS {
        func.call @coded_item_$CODED(%aFlat, %b, %scales, %codeZero, %cFlat, %aStart, %bStart, %scaleStart,
                                     %zeroStart, %cStart, %rows, %depth, %k, %n, %width, %group, %panel)
          : (!Flat, memref<?xi8>, memref<?x$SCALE>, $Z, !Flat, index, index, index, index, index, index, index, index,
             index, index, index, !Flat) -> ()
        scf.yield
      })mlir";
