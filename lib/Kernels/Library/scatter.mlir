// Rows combined into rows by number, in order: data[rows[i], :] = combine(data[rows[i], :],
// updates[i, :]). Instantiated as scatter_set, scatter_add, scatter_mul, scatter_min, scatter_max.
//
//   rows     [n], each in [0, count)
//   updates  [n, inner]
//   data     [count, inner], read and written
//
// Workers share the columns, so that repeated rows are combined in their order whatever the number
// of workers.
func.func @kernel(%rows: memref<?xindex>, %updates: memref<?x?x!T>, %data: memref<?x?x!T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %per_task = arith.constant 16384 : index
  %n = memref.dim %rows, %c0 : memref<?xindex>
  %inner = memref.dim %data, %c1 : memref<?x?x!T>
  %divisor = arith.maxui %n, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  // Not less than a few cache lines of a row, which two workers should not write together.
  %smallest = arith.constant 64 : index
  %grain = arith.maxui %wanted, %smallest : index
  par.for %begin, %end in %inner grain %grain {
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.load %rows[%i] : memref<?xindex>
      scf.for %j = %begin to %end step %c1 {
        %old = memref.load %data[%row, %j] : memref<?x?x!T>
        %update = memref.load %updates[%i, %j] : memref<?x?x!T>
        %new = func.call @combine(%old, %update) : (!T, !T) -> !T
        memref.store %new, %data[%row, %j] : memref<?x?x!T>
      }
    }
  }
  return
}
