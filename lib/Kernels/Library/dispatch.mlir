// Tokens in a stable order by expert: a counting sort. Slots of no expert (any number that is none of
// the experts') come last.
//
//   tokens   [T, inner]
//   experts  [T, k]
//   rows     [T·k, inner]     the tokens in that order
//   order    [T·k]            the slots (t·k + s) in that order
//   offsets  [E + 1]          where each expert's begin; the last is the number of filled slots
func.func @kernel(%tokens: memref<?x?x!T>, %experts: memref<?x?xi64>, %rows: memref<?x?x!T>,
                  %order: memref<?xi64>, %offsets: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %count = memref.dim %experts, %c0 : memref<?x?xi64>
  %k = memref.dim %experts, %c1 : memref<?x?xi64>
  %inner = memref.dim %rows, %c1 : memref<?x?x!T>
  %bounds = memref.dim %offsets, %c0 : memref<?xi64>
  %last = arith.subi %bounds, %c1 : index
  scf.for %e = %c0 to %bounds step %c1 {
    memref.store %none, %offsets[%e] : memref<?xi64>
  }
  scf.for %t = %c0 to %count step %c1 {
    scf.for %s = %c0 to %k step %c1 {
      %v = memref.load %experts[%t, %s] : memref<?x?xi64>
      %e = arith.index_cast %v : i64 to index
      %is_filled = arith.cmpi ult, %e, %last : index
      scf.if %is_filled {
        %n = memref.load %offsets[%e] : memref<?xi64>
        %more = arith.addi %n, %one : i64
        memref.store %more, %offsets[%e] : memref<?xi64>
      }
    }
  }
  %filled = scf.for %e = %c0 to %last step %c1 iter_args(%start = %none) -> i64 {
    %n = memref.load %offsets[%e] : memref<?xi64>
    memref.store %start, %offsets[%e] : memref<?xi64>
    %next = arith.addi %start, %n : i64
    scf.yield %next : i64
  }
  memref.store %filled, %offsets[%last] : memref<?xi64>
  // Each expert's start runs on to its end, which is the next one's start.
  %end = scf.for %t = %c0 to %count step %c1 iter_args(%outer = %filled) -> i64 {
    %base = arith.muli %t, %k : index
    %after = scf.for %s = %c0 to %k step %c1 iter_args(%empty = %outer) -> i64 {
      %slot = arith.addi %base, %s : index
      %number = arith.index_cast %slot : index to i64
      %v = memref.load %experts[%t, %s] : memref<?x?xi64>
      %e = arith.index_cast %v : i64 to index
      %is_filled = arith.cmpi ult, %e, %last : index
      %next = scf.if %is_filled -> i64 {
        %place = memref.load %offsets[%e] : memref<?xi64>
        %p = arith.index_cast %place : i64 to index
        memref.store %number, %order[%p] : memref<?xi64>
        %more = arith.addi %place, %one : i64
        memref.store %more, %offsets[%e] : memref<?xi64>
        scf.yield %empty : i64
      } else {
        %p = arith.index_cast %empty : i64 to index
        memref.store %number, %order[%p] : memref<?xi64>
        %more = arith.addi %empty, %one : i64
        scf.yield %more : i64
      }
      scf.yield %next : i64
    }
    scf.yield %after : i64
  }
  scf.for %i = %c1 to %last step %c1 {
    %e = arith.subi %last, %i : index
    %before = arith.subi %e, %c1 : index
    %start = memref.load %offsets[%before] : memref<?xi64>
    memref.store %start, %offsets[%e] : memref<?xi64>
  }
  memref.store %none, %offsets[%c0] : memref<?xi64>
  %per_task = arith.constant 16384 : index
  %slots = arith.muli %count, %k : index
  %divisor = arith.maxui %inner, %c1 : index
  %wanted = arith.divui %per_task, %divisor : index
  %grain = arith.maxui %wanted, %c1 : index
  par.for %begin, %stop in %slots grain %grain {
    scf.for %p = %begin to %stop step %c1 {
      %v = memref.load %order[%p] : memref<?xi64>
      %slot = arith.index_cast %v : i64 to index
      %t = arith.divui %slot, %k : index
      scf.for %j = %c0 to %inner step %c1 {
        %x = memref.load %tokens[%t, %j] : memref<?x?x!T>
        memref.store %x, %rows[%p, %j] : memref<?x?x!T>
      }
    }
  }
  return
}
