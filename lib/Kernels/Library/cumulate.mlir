// Running sums or products over an axis. Exclusive ones leave their own element out; reverse ones start
// at the end.
//
//   x, out  [outer, n, inner]
func.func @kernel(%x: memref<?x?x?x!T>, %exclusive: i1, %reverse: i1, %out: memref<?x?x?x!T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %per_task = arith.constant 16384 : index
  %outer = memref.dim %x, %c0 : memref<?x?x?x!T>
  %n = memref.dim %x, %c1 : memref<?x?x?x!T>
  %inner = memref.dim %x, %c2 : memref<?x?x?x!T>
  %last = arith.subi %n, %c1 : index
  %size = arith.muli %n, %inner : index
  %divisor = arith.maxui %size, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %end in %outer grain %grain {
    scf.for %o = %begin to %end step %c1 {
      scf.for %i = %c0 to %n step %c1 {
        %mirrored = arith.subi %last, %i : index
        %at = arith.select %reverse, %mirrored, %i : index
        %is_first = arith.cmpi eq, %i, %c0 : index
        %before = arith.subi %at, %c1 : index
        %after = arith.addi %at, %c1 : index
        %neighbour = arith.select %reverse, %after, %before : index
        // The first element has no neighbour: any valid position will do.
        %previous = arith.select %is_first, %at, %neighbour : index
        %added = arith.select %exclusive, %previous, %at : index
        scf.for %j = %c0 to %inner step %c1 {
          %running = scf.if %is_first -> !T {
            %neutral = func.call @neutral() : () -> !T
            %v = memref.load %x[%o, %at, %j] : memref<?x?x?x!T>
            %first = arith.select %exclusive, %neutral, %v : !T
            scf.yield %first : !T
          } else {
            %before_it = memref.load %out[%o, %previous, %j] : memref<?x?x?x!T>
            %v = memref.load %x[%o, %added, %j] : memref<?x?x?x!T>
            %next = func.call @combine(%before_it, %v) : (!T, !T) -> !T
            scf.yield %next : !T
          }
          memref.store %running, %out[%o, %at, %j] : memref<?x?x?x!T>
        }
      }
    }
  }
  return
}
