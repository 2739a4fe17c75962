// Each token's rows, weighted and summed in the order of its slots, whatever the number of workers.
//
//   rows     [T·k, inner]     in the order that dispatch made
//   order    [T·k], offsets [E + 1]
//   weights  [T, k]
//   places   [T, k]           written: where the slots' rows are; −1 for an empty slot
//   out      [T, inner]
func.func @kernel(%rows: memref<?x?x!T>, %order: memref<?xi64>, %offsets: memref<?xi64>,
                  %weights: memref<?x?x!T>, %places: memref<?x?xi64>, %out: memref<?x?x!T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = arith.constant -1 : i64
  %count = memref.dim %weights, %c0 : memref<?x?x!T>
  %k = memref.dim %weights, %c1 : memref<?x?x!T>
  %inner = memref.dim %out, %c1 : memref<?x?x!T>
  %slots = memref.dim %order, %c0 : memref<?xi64>
  %bounds = memref.dim %offsets, %c0 : memref<?xi64>
  %last = arith.subi %bounds, %c1 : index
  %filled_number = memref.load %offsets[%last] : memref<?xi64>
  %filled = arith.index_cast %filled_number : i64 to index
  scf.for %p = %c0 to %slots step %c1 {
    %v = memref.load %order[%p] : memref<?xi64>
    %slot = arith.index_cast %v : i64 to index
    %t = arith.divui %slot, %k : index
    %s = arith.remui %slot, %k : index
    %is_filled = arith.cmpi ult, %p, %filled : index
    %number = arith.index_cast %p : index to i64
    %place = arith.select %is_filled, %number, %none : i64
    memref.store %place, %places[%t, %s] : memref<?x?xi64>
  }
  %per_task = arith.constant 16384 : index
  %work = arith.muli %inner, %k : index
  %divisor = arith.maxui %work, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %end in %count grain %grain {
    scf.for %t = %begin to %end step %c1 {
      %zero = func.call @zero() : () -> !T
      scf.for %j = %c0 to %inner step %c1 {
        memref.store %zero, %out[%t, %j] : memref<?x?x!T>
      }
      scf.for %s = %c0 to %k step %c1 {
        %place = memref.load %places[%t, %s] : memref<?x?xi64>
        %is_filled = arith.cmpi ne, %place, %none : i64
        scf.if %is_filled {
          %p = arith.index_cast %place : i64 to index
          %w = memref.load %weights[%t, %s] : memref<?x?x!T>
          scf.for %j = %c0 to %inner step %c1 {
            %x = memref.load %rows[%p, %j] : memref<?x?x!T>
            %term = func.call @mul(%x, %w) : (!T, !T) -> !T
            %sum = memref.load %out[%t, %j] : memref<?x?x!T>
            %next = func.call @add(%sum, %term) : (!T, !T) -> !T
            memref.store %next, %out[%t, %j] : memref<?x?x!T>
          }
        }
      }
    }
  }
  return
}
