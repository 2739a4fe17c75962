//===- MatmulKernel.cpp - Blocked matrix products
//---------------------------------------------------===//
//
// The product is cut into items of (matrix, block of rows, panel of columns); an item walks the
// depth in blocks. Per block the panel of B is copied side by side into a buffer that stays in the
// first-level caches while all rows of the item pass over it (Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008, with the row block unpacked: its rows are read
// with unit stride). With few rows the copy does not pay, and the panel is read where it is.
//
//===------------------------------------------------------------------------------------------------===//
#include "MatmulKernel.h"
#include "MicroKernel.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/Par/ParOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace moec;

namespace {

/// In the texts: $T element type, $N columns of a panel, $L lanes, $R rows of a tile, $D depth of a
/// block, $P size of the packed panel, $M rows of an item, $S suffix of names, $TILES the calls of
/// the micro-kernels by the number of rows.
constexpr StringLiteral kItem = R"mlir(
!T = $T
!Matrices = memref<?x?x?x$T>
!Flat = memref<?x$T>

// One panel of columns of one matrix, `rows` rows of it.
func.func private @matmul_item_$S(%a: !Flat, %b: !Flat, %c: !Flat, %aStart: index, %bStart: index,
                                  %cStart: index, %rows: index, %depth: index, %n: index, %width: index,
                                  %bRow: index, %bColumn: index, %panel: !Flat, %pack: i1) {
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
          %value = memref.load %b[%p] : !Flat
          %q = arith.addi %to, %j : index
          memref.store %value, %panel[%q] : !Flat
        }
      }
    }
    %source = arith.select %pack, %panel, %b : !Flat
    %sourceStart = arith.select %pack, %c0, %blockStart : index
    %sourceRow = arith.select %pack, %columns, %bRow : index
    scf.for %i = %c0 to %rows step %tileRows {
      %rowsLeft = arith.subi %rows, %i : index
      %tile = arith.minsi %rowsLeft, %tileRows : index
      %iA = arith.muli %i, %depth : index
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
  }
  return
}

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
constexpr StringLiteral kDriver = R"mlir(
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
      func.call @matmul_item_$S(%aFlat, %bFlat, %cFlat, %aStart, %bStart, %cStart, %rows, %k, %n, %width,
                                %bRow, %bColumn, %panel, %pack)
        : (!Flat, !Flat, !Flat, index, index, index, index, index, index, index, index, index, !Flat, i1) -> ()
    }
  }
  return
}
)mlir";

/// An item whose columns of B lie in a panel: nothing is packed.
constexpr StringLiteral kItemOfPacked =
    R"mlir(func.call @matmul_item_$S(%aFlat, %bFlat, %cFlat, %aStart, %bStart, %cStart, %rows, %k, %n,
                                %width, %columns, %c1, %bFlat, %false)
        : (!Flat, !Flat, !Flat, index, index, index, index, index, index, index, index, index, !Flat, i1)
        -> ())mlir";

/// B packed beforehand.
constexpr StringLiteral kPackedDriver = R"mlir(
func.func private @$NAME(%a: !Matrices, %b: memref<?x?x?x?x$T>, %c: !Matrices) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %columns = arith.constant $N : index
  %batch = memref.dim %c, %c0 : !Matrices
  %m = memref.dim %c, %c1 : !Matrices
  %n = memref.dim %c, %c2 : !Matrices
  %k = memref.dim %a, %c2 : !Matrices
  %batchA = memref.dim %a, %c0 : !Matrices
  %batchB = memref.dim %b, %c0 : memref<?x?x?x?x$T>
  %aFlat = memref.collapse_shape %a [[0, 1, 2]] : !Matrices into !Flat
  %bFlat = memref.collapse_shape %b [[0, 1, 2, 3]] : memref<?x?x?x?x$T> into !Flat
  %cFlat = memref.collapse_shape %c [[0, 1, 2]] : !Matrices into !Flat
  %panels = arith.ceildivsi %n, %columns : index
  %panelSize = arith.muli %k, %columns : index
  %sizeA = arith.muli %m, %k : index
  %sizeB = arith.muli %panels, %panelSize : index
  %sizeC = arith.muli %m, %n : index
  %oneA = arith.cmpi eq, %batchA, %c1 : index
  %oneB = arith.cmpi eq, %batchB, %c1 : index
  %strideA = arith.select %oneA, %c0, %sizeA : index
  %strideB = arith.select %oneB, %c0, %sizeB : index

  %rowBlock, %blocks = func.call @matmul_blocks_$S(%m) : (index) -> (index, index)
  %perMatrix = arith.muli %panels, %blocks : index
  %items = arith.muli %perMatrix, %batch : index
  %least = arith.constant 131072 : index
  %rowsOfItem = arith.minsi %m, %rowBlock : index
  // Few rows take as long as some more: the time is that of reading B.
  %fewRows = arith.constant 4 : index
  %costRows = arith.maxsi %rowsOfItem, %fewRows : index
  %areaOfItem = arith.muli %costRows, %columns : index
  %work0 = arith.muli %areaOfItem, %k : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  %false = arith.constant false
  par.for %begin, %end in %items grain %grain {
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
      %b0 = arith.muli %matrix, %strideB : index
      %b1 = arith.muli %p, %panelSize : index
      %bStart = arith.addi %b0, %b1 : index
      %c3 = arith.muli %matrix, %sizeC : index
      %c4 = arith.muli %i, %n : index
      %c5 = arith.addi %c3, %c4 : index
      %cStart = arith.addi %c5, %j : index
      $ITEM_OF_PACKED
    }
  }
  return
}
)mlir";

/// Rows in order by expert, each expert's with its own matrix of B, packed beforehand: one parallel
/// loop over (expert, panel of columns, block of rows). Rows of no expert, the last ones, are
/// zeros.
constexpr StringLiteral kGroupedDriver = R"mlir(
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

func.func private @$NAME(%a: memref<?x?x$T>, %offsets: memref<?xi64>, %b: memref<?x?x?x?x$T>,
                         %bias: memref<?x?x$T>, %c: memref<?x?x$T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
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
  %bFlat = memref.collapse_shape %b [[0, 1, 2, 3]] : memref<?x?x?x?x$T> into !Flat
  %cFlat = memref.collapse_shape %c [[0, 1]] : memref<?x?x$T> into !Flat
  %panels = arith.ceildivsi %n, %columns : index
  %panelSize = arith.muli %k, %columns : index
  %sizeB = arith.muli %panels, %panelSize : index
  %groups = scf.for %e = %c0 to %experts step %c1 iter_args(%sum = %c0) -> index {
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
  %items = arith.muli %groups, %panels : index
  %least = arith.constant 131072 : index
  %divisor = arith.maxsi %groups, %c1 : index
  %rowsOfItem = arith.ceildivsi %filled, %divisor : index
  %areaOfItem = arith.muli %rowsOfItem, %columns : index
  %work0 = arith.muli %areaOfItem, %k : index
  %work = arith.maxsi %work0, %c1 : index
  %grain = arith.ceildivsi %least, %work : index
  par.for %begin, %end in %items grain %grain {
    %e9, %first9 = scf.for %item = %begin to %end step %c1 iter_args(%e0 = %c0, %first0 = %c0) -> (index, index) {
      %e, %first, %start, %rowsOfExpert = func.call @grouped_find_$S(%offsets, %panels, %item, %e0, %first0)
        : (memref<?xi64>, index, index, index, index) -> (index, index, index, index)
      %rowBlock, %blocks = func.call @matmul_blocks_$S(%rowsOfExpert) : (index) -> (index, index)
      %rest = arith.subi %item, %first : index
      %p = arith.divui %rest, %blocks : index
      %blockOfRows = arith.remui %rest, %blocks : index
      %i = arith.muli %blockOfRows, %rowBlock : index
      %j = arith.muli %p, %columns : index
      %rowsLeft = arith.subi %rowsOfExpert, %i : index
      %rows = arith.minsi %rowsLeft, %rowBlock : index
      %columnsLeft = arith.subi %n, %j : index
      %width = arith.minsi %columnsLeft, %columns : index
      %row = arith.addi %start, %i : index
      %aStart = arith.muli %row, %k : index
      %b0 = arith.muli %e, %sizeB : index
      %b1 = arith.muli %p, %panelSize : index
      %bStart = arith.addi %b0, %b1 : index
      %c2 = arith.muli %row, %n : index
      %cStart = arith.addi %c2, %j : index
      $ITEM_OF_PACKED
      scf.if %hasBias {
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
      }
      scf.yield %e, %first : index, index
    }
  }
  %empty = arith.subi %m, %filled : index
  %rowGrain = arith.constant 64 : index
  par.for %begin, %end in %empty grain %rowGrain {
    scf.for %i = %begin to %end step %c1 {
      %row = arith.addi %filled, %i : index
      scf.for %j = %c0 to %n step %c1 {
        memref.store %zero, %c[%row, %j] : memref<?x?x$T>
      }
    }
  }
  return
}
)mlir";

/// The public function: picks the panel width by the number of columns.
constexpr StringLiteral kEntry = R"mlir(
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

std::string substitute(StringRef text, ArrayRef<std::pair<StringRef, std::string>> values) {
  std::string result = text.str();
  for (const auto &[key, value] : values)
    for (size_t at = 0; (at = result.find(key, at)) != std::string::npos; at += value.size())
      result.replace(at, key.size(), value);
  return result;
}

std::string printCalls(StringRef prefix, unsigned rows, StringRef type) {
  std::string result;
  for (unsigned i = 1; i <= rows; ++i)
    result +=
        llvm::formatv("        case {0} {{\n"
                      "          func.call @{1}_r{0}(%a, %a1, %depth, %source, %sourceStart, "
                      "%sourceRow, %c, %c2, %n, %block, %accumulate, %width) : "
                      "(memref<?x{2}>, index, index, memref<?x{2}>, index, index, memref<?x{2}>, "
                      "index, index, index, i1, index) -> ()\n"
                      "          scf.yield\n        }\n",
                      i, prefix, type);
  return result;
}

/// Puts the texts and micro-kernels of one kernel together.
class MatmulBuilder {
public:
  MatmulBuilder(MLIRContext &context, StringRef name, StringRef type, const KernelOptions &options)
      : context(context), name(name), type(type), options(options),
        elementType(type == "f32" ? Type(Float32Type::get(&context))
                                  : Type(Float64Type::get(&context))) {}

  /// matmul and matmul_nt: panels as wide as the number of columns asks for.
  OwningOpRef<ModuleOp> build(bool transposed) {
    StringRef bRow = transposed ? "%stride2" : "%stride1";
    StringRef bColumn = transposed ? "%stride1" : "%stride2";
    unsigned maxVectors = MicroTile::maxVectors(options);
    std::string choice, closing;
    for (unsigned vectors = 1; vectors <= maxVectors; vectors *= 2) {
      MicroTile tile = addItem(vectors);
      text += substituteFor(kDriver, tile);
      std::string call = llvm::formatv("    func.call @matmul_driver_{0}(%a, %flat, %c, %first, "
                                       "%matrix, {1}, {2}) : (memref<?x?x?x{3}>, memref<?x{3}>, "
                                       "memref<?x?x?x{3}>, index, index, index, index) -> ()\n",
                                       suffix(tile), bRow, bColumn, type);
      if (vectors == maxVectors) {
        choice += call;
        continue;
      }
      choice += llvm::formatv("  %w{0} = arith.constant {0} : index\n"
                              "  %narrow{0} = arith.cmpi sle, %n, %w{0} : index\n"
                              "  scf.if %narrow{0} {{\n{1}  } else {{\n",
                              tile.columns(), call);
      closing += "  }\n";
    }
    text += substitute(kEntry, {{"$CHOICE", choice + closing}, {"$NAME", name}, {"$T", type}});
    return finish();
  }

  /// matmul_packed and matmul_grouped_packed; null if no number of registers makes panels of that
  /// many columns.
  OwningOpRef<ModuleOp> buildPacked(unsigned columns, bool grouped) {
    for (unsigned vectors = 1; vectors <= MicroTile::maxVectors(options); vectors *= 2) {
      if (MicroTile::choose(elementType, options, vectors).columns() != columns)
        continue;
      MicroTile tile = addItem(vectors);
      text += substituteFor(grouped ? kGroupedDriver : kPackedDriver, tile);
      if (!grouped)
        return finish();
      return finish({0, 0, 0, 1, 4, 1}); // rows of A, each with the columns of C
    }
    return {};
  }

private:
  struct Micro {
    std::string name;
    MicroTile tile;
    bool masked;
  };

  std::string suffix(const MicroTile &tile) const {
    return llvm::formatv("{0}_{1}", type, tile.columns());
  }

  std::string substituteFor(StringRef source, const MicroTile &tile) {
    return substitute(source,
                      {{"$ITEM_OF_PACKED", kItemOfPacked.str()},
                       {"$TILES", printCalls("micro_" + suffix(tile), tile.rows, type)},
                       {"$MASKED", printCalls("micro_masked_" + suffix(tile), tile.rows, type)},
                       {"$PACKROWS", std::to_string(4 * tile.rows)},
                       {"$Px", std::to_string(kDepthBlock * tile.columns()) + "x"},
                       {"$NAME", name},
                       {"$T", type},
                       {"$N", std::to_string(tile.columns())},
                       {"$R", std::to_string(tile.rows)},
                       {"$D", std::to_string(kDepthBlock)},
                       {"$M", std::to_string(kRowBlock)},
                       {"$S", suffix(tile)}});
  }

  /// The text of an item and the micro-kernels that it calls.
  MicroTile addItem(unsigned vectors) {
    MicroTile tile = MicroTile::choose(elementType, options, vectors);
    for (unsigned rows = 1; rows <= tile.rows; ++rows) {
      MicroTile part{rows, tile.vectors, tile.lanes};
      std::string end = suffix(tile) + "_r" + std::to_string(rows);
      microKernels.push_back({"micro_" + end, part, false});
      microKernels.push_back({"micro_masked_" + end, part, true});
    }
    // The aliases at the head of the text are the same for all.
    StringRef source = kItem;
    text += substituteFor(text.empty() ? source : source.substr(source.find("// One panel")), tile);
    return tile;
  }

  /// By default the multiplications are those of elements of C, each with a column of A.
  OwningOpRef<ModuleOp> finish(ArrayRef<int64_t> multiplyAdds = {2, 0, 2, 1, 2, 2, 0, 2}) {
    for (const Micro &micro : microKernels)
      text +=
          llvm::formatv("func.func private @{0}(memref<?x{1}>, index, index, memref<?x{1}>, index, "
                        "index, memref<?x{1}>, index, index, index, i1, index)\n",
                        micro.name, type);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    assert(module && "the text of the kernel is ours");
    for (const Micro &micro : microKernels) {
      module->lookupSymbol(micro.name)->erase();
      buildMicroKernel(*module, micro.name, elementType, micro.tile, micro.masked,
                       options.fusesMultiplyAdd);
    }
    module->lookupSymbol(name)->setAttr(kernel::kMultiplyAddsAttr,
                                        DenseI64ArrayAttr::get(&context, multiplyAdds));
    return module;
  }

  static constexpr unsigned kDepthBlock = 256, kRowBlock = 240;

  MLIRContext &context;
  std::string name, type;
  const KernelOptions &options;
  Type elementType;
  std::string text;
  SmallVector<Micro> microKernels;
};

} // namespace

int64_t moec::getPanelColumns(Type elementType, int64_t columns, const KernelOptions &options) {
  if (!elementType.isF32() && !elementType.isF64())
    return 0;
  unsigned vectors = 1;
  while (vectors < MicroTile::maxVectors(options) &&
         MicroTile::choose(elementType, options, vectors).columns() < columns)
    vectors *= 2;
  return MicroTile::choose(elementType, options, vectors).columns();
}

OwningOpRef<ModuleOp> moec::buildMatmulKernel(MLIRContext &context, StringRef name,
                                              const KernelOptions &options) {
  StringRef rest = name;
  if (!rest.consume_front("matmul_"))
    return {};
  StringRef type = name.rsplit('_').second;
  if (type != "f32" && type != "f64")
    return {};
  MatmulBuilder builder(context, name, type, options);
  if (rest == type)
    return builder.build(/*transposed=*/false);
  if (rest.consume_front("nt_") && rest == type)
    return builder.build(/*transposed=*/true);
  unsigned columns;
  bool isGrouped = rest.consume_front("grouped_");
  if (rest.consume_front("packed_") && !rest.consumeInteger(10, columns) &&
      rest == ("_" + type).str())
    return builder.buildPacked(columns, isGrouped);
  return {};
}
