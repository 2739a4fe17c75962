// Rows of some experts times the experts' matrices, plainly.
//
//   a        [M, K]         in order by expert
//   offsets  [E + 1]        where each expert's rows begin
//   first                   the expert that the first matrix is of
//   filled                  how many rows these experts have in all
//   b        [n, K, N]      ([n, N, K] if transposed)
//   bias     [E, N], or no rows
//   c        [M, N]         the rows of experts first … first + n − 1 are written, no others
func.func @kernel(%a: memref<?x?x!T>, %offsets: memref<?xi64>, %first: index, %filled: index,
                  %b: memref<?x?x?x!T>, %transposed: i1, %bias: memref<?x?x!T>, %c: memref<?x?x!T>)
    attributes {kernel.multiply_adds = array<i64: 3, -1, 0, 1, 7, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %count = memref.dim %b, %c0 : memref<?x?x?x!T>
  %depth = memref.dim %a, %c1 : memref<?x?x!T>
  %columns = memref.dim %c, %c1 : memref<?x?x!T>
  %biases = memref.dim %bias, %c0 : memref<?x?x!T>
  %has_bias = arith.cmpi ne, %biases, %c0 : index
  %per_task = arith.constant 65536 : index
  %area = arith.muli %depth, %columns : index
  %divisor = arith.maxui %area, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  scf.for %matrix = %c0 to %count step %c1 {
    %e = arith.addi %first, %matrix : index
    %next = arith.addi %e, %c1 : index
    %begin_number = memref.load %offsets[%e] : memref<?xi64>
    %end_number = memref.load %offsets[%next] : memref<?xi64>
    %start = arith.index_cast %begin_number : i64 to index
    %stop = arith.index_cast %end_number : i64 to index
    %rows = arith.subi %stop, %start : index
    par.for %begin, %end in %rows grain %grain {
      scf.for %i = %begin to %end step %c1 {
        %row = arith.addi %start, %i : index
        %zero = func.call @zero() : () -> !T
        scf.for %j = %c0 to %columns step %c1 {
          %initial = scf.if %has_bias -> !T {
            %v = memref.load %bias[%e, %j] : memref<?x?x!T>
            scf.yield %v : !T
          } else {
            scf.yield %zero : !T
          }
          memref.store %initial, %c[%row, %j] : memref<?x?x!T>
        }
        scf.for %k = %c0 to %depth step %c1 {
          %x = memref.load %a[%row, %k] : memref<?x?x!T>
          scf.for %j = %c0 to %columns step %c1 {
            %p = arith.select %transposed, %j, %k : index
            %q = arith.select %transposed, %k, %j : index
            %y = memref.load %b[%matrix, %p, %q] : memref<?x?x?x!T>
            %term = func.call @mul(%x, %y) : (!T, !T) -> !T
            %sum = memref.load %c[%row, %j] : memref<?x?x!T>
            %more = func.call @add(%sum, %term) : (!T, !T) -> !T
            memref.store %more, %c[%row, %j] : memref<?x?x!T>
          }
        }
      }
    }
  }
  return
}
