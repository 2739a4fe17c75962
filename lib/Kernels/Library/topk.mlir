// The k largest (or smallest) elements of each row with their positions, best first; of equal ones
// the lower position first. NaN is larger than any number.
//
//   x                [rows, n]
//   values, indices  [rows, k], 0 <= k <= n
//
// Both ways work in the outputs: a sorted list for small k (O(n + k * entries)), else a heap with the
// worst of the best at its root, sorted in place at last (O(n log k); k = n is a heap sort).

// Whether (a, i) comes before (b, j).
func.func private @precedes(%a: !T, %i: i64, %b: !T, %j: i64, %largest: i1) -> i1 {
  %above = func.call @above(%a, %b) : (!T, !T) -> i1
  %below = func.call @above(%b, %a) : (!T, !T) -> i1
  %better = arith.select %largest, %above, %below : i1
  %worse = arith.select %largest, %below, %above : i1
  %true = arith.constant true
  %not_worse = arith.xori %worse, %true : i1
  %is_lower = arith.cmpi slt, %i, %j : i64
  %wins_tie = arith.andi %not_worse, %is_lower : i1
  %r = arith.ori %better, %wins_tie : i1
  return %r : i1
}

// Puts (v, i) into the heap of `size` elements, whose root is its worst, starting at a hole.
func.func private @sift(%values: memref<?x?x!T>, %indices: memref<?x?xi64>, %row: index,
                        %size: index, %start: index, %v: !T, %i: i64, %largest: i1) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %false = arith.constant false
  %end:2 = scf.while (%hole = %start) : (index) -> (index, index) {
    %double = arith.muli %hole, %c2 : index
    %left = arith.addi %double, %c1 : index
    %has_left = arith.cmpi ult, %left, %size : index
    %step:2 = scf.if %has_left -> (i1, index) {
      %right = arith.addi %left, %c1 : index
      %has_right = arith.cmpi ult, %right, %size : index
      %child = scf.if %has_right -> index {
        %lv = memref.load %values[%row, %left] : memref<?x?x!T>
        %li = memref.load %indices[%row, %left] : memref<?x?xi64>
        %rv = memref.load %values[%row, %right] : memref<?x?x!T>
        %ri = memref.load %indices[%row, %right] : memref<?x?xi64>
        %right_is_worse = func.call @precedes(%lv, %li, %rv, %ri, %largest)
            : (!T, i64, !T, i64, i1) -> i1
        %worse = arith.select %right_is_worse, %right, %left : index
        scf.yield %worse : index
      } else {
        scf.yield %left : index
      }
      %cv = memref.load %values[%row, %child] : memref<?x?x!T>
      %ci = memref.load %indices[%row, %child] : memref<?x?xi64>
      %rises = func.call @precedes(%v, %i, %cv, %ci, %largest) : (!T, i64, !T, i64, i1) -> i1
      scf.yield %rises, %child : i1, index
    } else {
      scf.yield %false, %hole : i1, index
    }
    scf.condition(%step#0) %hole, %step#1 : index, index
  } do {
  ^bb0(%hole: index, %child: index):
    %cv = memref.load %values[%row, %child] : memref<?x?x!T>
    %ci = memref.load %indices[%row, %child] : memref<?x?xi64>
    memref.store %cv, %values[%row, %hole] : memref<?x?x!T>
    memref.store %ci, %indices[%row, %hole] : memref<?x?xi64>
    scf.yield %child : index
  }
  memref.store %v, %values[%row, %end#0] : memref<?x?x!T>
  memref.store %i, %indices[%row, %end#0] : memref<?x?xi64>
  return
}

func.func private @select_by_list(%x: memref<?x?x!T>, %values: memref<?x?x!T>,
                                  %indices: memref<?x?xi64>, %row: index, %n: index, %k: index,
                                  %largest: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %true = arith.constant true
  %false = arith.constant false
  %last = arith.subi %k, %c1 : index
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %x[%row, %i] : memref<?x?x!T>
    %position = arith.index_cast %i : index to i64
    %is_filling = arith.cmpi ult, %i, %k : index
    %enters = scf.if %is_filling -> i1 {
      scf.yield %true : i1
    } else {
      %lv = memref.load %values[%row, %last] : memref<?x?x!T>
      %li = memref.load %indices[%row, %last] : memref<?x?xi64>
      %better = func.call @precedes(%v, %position, %lv, %li, %largest)
          : (!T, i64, !T, i64, i1) -> i1
      scf.yield %better : i1
    }
    scf.if %enters {
      %start = arith.select %is_filling, %i, %last : index
      %place = scf.while (%hole = %start) : (index) -> index {
        %has_previous = arith.cmpi ugt, %hole, %c0 : index
        %moves = scf.if %has_previous -> i1 {
          %previous = arith.subi %hole, %c1 : index
          %pv = memref.load %values[%row, %previous] : memref<?x?x!T>
          %pi = memref.load %indices[%row, %previous] : memref<?x?xi64>
          %better = func.call @precedes(%v, %position, %pv, %pi, %largest)
              : (!T, i64, !T, i64, i1) -> i1
          scf.yield %better : i1
        } else {
          scf.yield %false : i1
        }
        scf.condition(%moves) %hole : index
      } do {
      ^bb0(%hole: index):
        %previous = arith.subi %hole, %c1 : index
        %pv = memref.load %values[%row, %previous] : memref<?x?x!T>
        %pi = memref.load %indices[%row, %previous] : memref<?x?xi64>
        memref.store %pv, %values[%row, %hole] : memref<?x?x!T>
        memref.store %pi, %indices[%row, %hole] : memref<?x?xi64>
        scf.yield %previous : index
      }
      memref.store %v, %values[%row, %place] : memref<?x?x!T>
      memref.store %position, %indices[%row, %place] : memref<?x?xi64>
    }
  }
  return
}

func.func private @select_by_heap(%x: memref<?x?x!T>, %values: memref<?x?x!T>,
                                  %indices: memref<?x?xi64>, %row: index, %n: index, %k: index,
                                  %largest: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %k step %c1 {
    %v = memref.load %x[%row, %i] : memref<?x?x!T>
    %position = arith.index_cast %i : index to i64
    memref.store %v, %values[%row, %i] : memref<?x?x!T>
    memref.store %position, %indices[%row, %i] : memref<?x?xi64>
  }
  %half = arith.divui %k, %c2 : index
  scf.for %i = %c0 to %half step %c1 {
    %up = arith.subi %half, %i : index
    %parent = arith.subi %up, %c1 : index
    %v = memref.load %values[%row, %parent] : memref<?x?x!T>
    %vi = memref.load %indices[%row, %parent] : memref<?x?xi64>
    func.call @sift(%values, %indices, %row, %k, %parent, %v, %vi, %largest)
        : (memref<?x?x!T>, memref<?x?xi64>, index, index, index, !T, i64, i1) -> ()
  }
  scf.for %i = %k to %n step %c1 {
    %v = memref.load %x[%row, %i] : memref<?x?x!T>
    %position = arith.index_cast %i : index to i64
    %rv = memref.load %values[%row, %c0] : memref<?x?x!T>
    %ri = memref.load %indices[%row, %c0] : memref<?x?xi64>
    %enters = func.call @precedes(%v, %position, %rv, %ri, %largest)
        : (!T, i64, !T, i64, i1) -> i1
    scf.if %enters {
      func.call @sift(%values, %indices, %row, %k, %c0, %v, %position, %largest)
          : (memref<?x?x!T>, memref<?x?xi64>, index, index, index, !T, i64, i1) -> ()
    }
  }
  scf.for %i = %c1 to %k step %c1 {
    %end = arith.subi %k, %i : index
    %v = memref.load %values[%row, %end] : memref<?x?x!T>
    %vi = memref.load %indices[%row, %end] : memref<?x?xi64>
    %rv = memref.load %values[%row, %c0] : memref<?x?x!T>
    %ri = memref.load %indices[%row, %c0] : memref<?x?xi64>
    memref.store %rv, %values[%row, %end] : memref<?x?x!T>
    memref.store %ri, %indices[%row, %end] : memref<?x?xi64>
    func.call @sift(%values, %indices, %row, %end, %c0, %v, %vi, %largest)
        : (memref<?x?x!T>, memref<?x?xi64>, index, index, index, !T, i64, i1) -> ()
  }
  return
}

func.func @kernel(%x: memref<?x?x!T>, %largest: i1, %values: memref<?x?x!T>,
                  %indices: memref<?x?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %per_task = arith.constant 4096 : index
  %longest_list = arith.constant 16 : index
  %rows = memref.dim %x, %c0 : memref<?x?x!T>
  %n = memref.dim %x, %c1 : memref<?x?x!T>
  %k = memref.dim %values, %c1 : memref<?x?x!T>
  %is_short = arith.cmpi ule, %k, %longest_list : index
  %is_empty = arith.cmpi eq, %k, %c0 : index
  %count = arith.select %is_empty, %c0, %rows : index
  %divisor = arith.maxui %n, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %end in %count grain %grain {
    scf.for %row = %begin to %end step %c1 {
      scf.if %is_short {
        func.call @select_by_list(%x, %values, %indices, %row, %n, %k, %largest)
            : (memref<?x?x!T>, memref<?x?x!T>, memref<?x?xi64>, index, index, index, i1) -> ()
      } else {
        func.call @select_by_heap(%x, %values, %indices, %row, %n, %k, %largest)
            : (memref<?x?x!T>, memref<?x?x!T>, memref<?x?xi64>, index, index, index, i1) -> ()
      }
    }
  }
  return
}
