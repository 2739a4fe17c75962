// The position of the best element on an axis: argmax, argmin. NaN is better than any number, as in
// numpy. Of equal ones the first, or the last where %takes_last is set.
//
//   x    [outer, n, inner], n >= 1
//   out  [outer, inner]
func.func @kernel(%x: memref<?x?x?x!T>, %takes_last: i1, %out: memref<?x?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %per_task = arith.constant 16384 : index
  %outer = memref.dim %x, %c0 : memref<?x?x?x!T>
  %n = memref.dim %x, %c1 : memref<?x?x?x!T>
  %inner = memref.dim %x, %c2 : memref<?x?x?x!T>
  %count = arith.muli %outer, %inner : index
  %divisor = arith.maxui %n, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %end in %count grain %grain {
    scf.for %t = %begin to %end step %c1 {
      %o = arith.divui %t, %inner : index
      %j = arith.remui %t, %inner : index
      %first = memref.load %x[%o, %c0, %j] : memref<?x?x?x!T>
      %best:2 = scf.for %i = %c1 to %n step %c1
          iter_args(%value = %first, %position = %c0) -> (!T, index) {
        %v = memref.load %x[%o, %i, %j] : memref<?x?x?x!T>
        %better = func.call @better(%v, %value) : (!T, !T) -> i1
        %worse = func.call @better(%value, %v) : (!T, !T) -> i1
        %true = arith.constant true
        %not_worse = arith.xori %worse, %true : i1
        %replaces_equal = arith.andi %takes_last, %not_worse : i1
        %replaces = arith.ori %better, %replaces_equal : i1
        %new_value = arith.select %replaces, %v, %value : !T
        %new_position = arith.select %replaces, %i, %position : index
        scf.yield %new_value, %new_position : !T, index
      }
      %result = arith.index_cast %best#1 : index to i64
      memref.store %result, %out[%o, %j] : memref<?x?xi64>
    }
  }
  return
}
