// Rows by number: out[b, i, :] = data[b, rows[b, i], :].
//
//   data  [batch, count, inner]
//   rows  [batch or 1, n], each in [0, count)
//   out   [batch, n, inner]
func.func @kernel(%data: memref<?x?x?x!T>, %rows: memref<?x?xindex>, %out: memref<?x?x?x!T>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %per_task = arith.constant 16384 : index
  %batch = memref.dim %out, %c0 : memref<?x?x?x!T>
  %n = memref.dim %out, %c1 : memref<?x?x?x!T>
  %inner = memref.dim %out, %c2 : memref<?x?x?x!T>
  %row_batch = memref.dim %rows, %c0 : memref<?x?xindex>
  %is_shared = arith.cmpi eq, %row_batch, %c1 : index
  %count = arith.muli %batch, %n : index
  %divisor = arith.maxui %inner, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %end in %count grain %grain {
    scf.for %t = %begin to %end step %c1 {
      %b = arith.divui %t, %n : index
      %i = arith.remui %t, %n : index
      %row_b = arith.select %is_shared, %c0, %b : index
      %row = memref.load %rows[%row_b, %i] : memref<?x?xindex>
      scf.for %j = %c0 to %inner step %c1 {
        %v = memref.load %data[%b, %row, %j] : memref<?x?x?x!T>
        memref.store %v, %out[%b, %i, %j] : memref<?x?x?x!T>
      }
    }
  }
  return
}
