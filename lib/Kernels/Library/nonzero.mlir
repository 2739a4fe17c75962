// The positions of the elements that are not zero, in order. `out` is as long as there are such
// elements.
func.func @kernel(%x: memref<?x!T>, %out: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x!T>
  %size = memref.dim %out, %c0 : memref<?xindex>
  %zero = func.call @zero() : () -> !T
  scf.for %i = %c0 to %n step %c1 iter_args(%next = %c0) -> index {
    %v = memref.load %x[%i] : memref<?x!T>
    %above = func.call @above(%v, %zero) : (!T, !T) -> i1
    %below = func.call @above(%zero, %v) : (!T, !T) -> i1
    %differs = arith.ori %above, %below : i1
    %fits = arith.cmpi ult, %next, %size : index
    %counts = arith.andi %differs, %fits : i1
    %after = scf.if %counts -> index {
      memref.store %i, %out[%next] : memref<?xindex>
      %incremented = arith.addi %next, %c1 : index
      scf.yield %incremented : index
    } else {
      scf.yield %next : index
    }
    scf.yield %after : index
  }
  return
}
