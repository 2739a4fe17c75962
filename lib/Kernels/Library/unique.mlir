// The different rows of a matrix, in ascending order (element by element, NaN above all numbers) or in
// that of their first places.
//
//   x              [n, m]
//   first, counts  [n], of which `total` elements are results: where each different row is first, and
//                  how often it is there
//   inverse        [n]: the number of row i among the different ones
//   total          [1]
//   order, spare   [n], of no meaning afterwards
//
// A merge sort of the positions, then one walk over them.

// 1 where row i is above row j, -1 where it is below, else 0.
func.func private @compare_rows(%x: memref<?x?x!T>, %i: index, %j: index) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %equal = arith.constant 0 : i32
  %more = arith.constant 1 : i32
  %less = arith.constant -1 : i32
  %m = memref.dim %x, %c1 : memref<?x?x!T>
  %end:2 = scf.while (%k = %c0, %state = %equal) : (index, i32) -> (index, i32) {
    %is_inside = arith.cmpi ult, %k, %m : index
    %is_open = arith.cmpi eq, %state, %equal : i32
    %continues = arith.andi %is_inside, %is_open : i1
    scf.condition(%continues) %k, %state : index, i32
  } do {
  ^bb0(%k: index, %state: i32):
    %a = memref.load %x[%i, %k] : memref<?x?x!T>
    %b = memref.load %x[%j, %k] : memref<?x?x!T>
    %above = func.call @above(%a, %b) : (!T, !T) -> i1
    %below = func.call @above(%b, %a) : (!T, !T) -> i1
    %up = arith.select %above, %more, %equal : i32
    %found = arith.select %below, %less, %up : i32
    %next = arith.addi %k, %c1 : index
    scf.yield %next, %found : index, i32
  }
  return %end#1 : i32
}

// Merges the sorted runs [low, middle) and [middle, high) of `from` into `to`; of equal rows those of
// the first run come first.
func.func private @merge(%x: memref<?x?x!T>, %from: memref<?xindex>, %to: memref<?xindex>,
                         %low: index, %middle: index, %high: index) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %end:2 = scf.for %i = %low to %high step %c1 iter_args(%l = %low, %r = %middle) -> (index, index) {
    %has_left = arith.cmpi ult, %l, %middle : index
    %has_right = arith.cmpi ult, %r, %high : index
    %both = arith.andi %has_left, %has_right : i1
    %takes_left = scf.if %both -> i1 {
      %left = memref.load %from[%l] : memref<?xindex>
      %right = memref.load %from[%r] : memref<?xindex>
      %order = func.call @compare_rows(%x, %left, %right) : (memref<?x?x!T>, index, index) -> i32
      %in_order = arith.cmpi sle, %order, %zero : i32
      scf.yield %in_order : i1
    } else {
      scf.yield %has_left : i1
    }
    %source = arith.select %takes_left, %l, %r : index
    %value = memref.load %from[%source] : memref<?xindex>
    memref.store %value, %to[%i] : memref<?xindex>
    %next = arith.addi %source, %c1 : index
    %next_l = arith.select %takes_left, %next, %l : index
    %next_r = arith.select %takes_left, %r, %next : index
    scf.yield %next_l, %next_r : index, index
  }
  return
}

// `order` becomes the positions of the rows in ascending order.
func.func private @sort(%x: memref<?x?x!T>, %order: memref<?xindex>, %spare: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %order, %c0 : memref<?xindex>
  scf.for %i = %c0 to %n step %c1 {
    memref.store %i, %order[%i] : memref<?xindex>
  }
  %sorted = scf.while (%width = %c1) : (index) -> index {
    %is_unsorted = arith.cmpi ult, %width, %n : index
    scf.condition(%is_unsorted) %width : index
  } do {
  ^bb0(%width: index):
    %step = arith.muli %width, %c2 : index
    scf.for %low = %c0 to %n step %step {
      %to_middle = arith.addi %low, %width : index
      %middle = arith.minui %to_middle, %n : index
      %to_high = arith.addi %low, %step : index
      %high = arith.minui %to_high, %n : index
      func.call @merge(%x, %order, %spare, %low, %middle, %high)
          : (memref<?x?x!T>, memref<?xindex>, memref<?xindex>, index, index, index) -> ()
    }
    scf.for %i = %c0 to %n step %c1 {
      %value = memref.load %spare[%i] : memref<?xindex>
      memref.store %value, %order[%i] : memref<?xindex>
    }
    scf.yield %step : index
  }
  return
}

// Numbers the groups by their first places.
func.func private @renumber(%first: memref<?xindex>, %counts: memref<?xindex>,
                            %inverse: memref<?xindex>, %order: memref<?xindex>,
                            %spare: memref<?xindex>, %total: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %inverse, %c0 : memref<?xindex>
  %found = scf.for %i = %c0 to %n step %c1 iter_args(%next = %c0) -> index {
    %group = memref.load %inverse[%i] : memref<?xindex>
    %place = memref.load %first[%group] : memref<?xindex>
    %is_first = arith.cmpi eq, %place, %i : index
    %after = scf.if %is_first -> index {
      memref.store %next, %spare[%group] : memref<?xindex>
      memref.store %i, %order[%next] : memref<?xindex>
      %incremented = arith.addi %next, %c1 : index
      scf.yield %incremented : index
    } else {
      scf.yield %next : index
    }
    %number = memref.load %spare[%group] : memref<?xindex>
    memref.store %number, %inverse[%i] : memref<?xindex>
    scf.yield %after : index
  }
  scf.for %g = %c0 to %total step %c1 {
    %place = memref.load %order[%g] : memref<?xindex>
    memref.store %place, %first[%g] : memref<?xindex>
    memref.store %c0, %counts[%g] : memref<?xindex>
  }
  scf.for %i = %c0 to %n step %c1 {
    %number = memref.load %inverse[%i] : memref<?xindex>
    %count = memref.load %counts[%number] : memref<?xindex>
    %incremented = arith.addi %count, %c1 : index
    memref.store %incremented, %counts[%number] : memref<?xindex>
  }
  return
}

func.func @kernel(%x: memref<?x?x!T>, %is_sorted: i1, %first: memref<?xindex>,
                  %inverse: memref<?xindex>, %counts: memref<?xindex>, %total: memref<?xindex>,
                  %order: memref<?xindex>, %spare: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %true = arith.constant true
  %n = memref.dim %order, %c0 : memref<?xindex>
  func.call @sort(%x, %order, %spare) : (memref<?x?x!T>, memref<?xindex>, memref<?xindex>) -> ()
  %number = scf.for %i = %c0 to %n step %c1 iter_args(%groups = %c0) -> index {
    %row = memref.load %order[%i] : memref<?xindex>
    %is_lowest = arith.cmpi eq, %i, %c0 : index
    %starts = scf.if %is_lowest -> i1 {
      scf.yield %true : i1
    } else {
      %before = arith.subi %i, %c1 : index
      %previous = memref.load %order[%before] : memref<?xindex>
      %state = func.call @compare_rows(%x, %previous, %row) : (memref<?x?x!T>, index, index) -> i32
      %differs = arith.cmpi ne, %state, %zero : i32
      scf.yield %differs : i1
    }
    %after = scf.if %starts -> index {
      memref.store %row, %first[%groups] : memref<?xindex>
      memref.store %c0, %counts[%groups] : memref<?xindex>
      %incremented = arith.addi %groups, %c1 : index
      scf.yield %incremented : index
    } else {
      scf.yield %groups : index
    }
    %group = arith.subi %after, %c1 : index
    %count = memref.load %counts[%group] : memref<?xindex>
    %more = arith.addi %count, %c1 : index
    memref.store %more, %counts[%group] : memref<?xindex>
    memref.store %group, %inverse[%row] : memref<?xindex>
    scf.yield %after : index
  }
  memref.store %number, %total[%c0] : memref<?xindex>
  scf.if %is_sorted {
  } else {
    func.call @renumber(%first, %counts, %inverse, %order, %spare, %number)
        : (memref<?xindex>, memref<?xindex>, memref<?xindex>, memref<?xindex>, memref<?xindex>, index) -> ()
  }
  return
}
