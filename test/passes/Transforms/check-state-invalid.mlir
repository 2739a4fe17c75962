// RUN: moec-opt %s --moec-check-state --split-input-file --verify-diagnostics

func.func @copied(%n: index, %s: memref<2x?x4xf32> {moec.state = "past"}) -> (memref<2x?x4xf32>, memref<2x?x4xf32>) {
  %c1 = arith.constant 1 : index
  %y = memref.alloc(%n) : memref<2x?x4xf32>
  %rows = memref.subview %s[0, 0, 0] [2, %n, 4] [1, 1, 1] : memref<2x?x4xf32> to memref<2x?x4xf32, strided<[?, 4, 1]>>
  // expected-error@+1 {{copies state 'past', which must be read where it is}}
  memref.copy %rows, %y : memref<2x?x4xf32, strided<[?, 4, 1]>> to memref<2x?x4xf32>
  return %y, %s : memref<2x?x4xf32>, memref<2x?x4xf32>
}

// -----

func.func @permuted(%n: index, %s: memref<?x4xf32> {moec.state = "past"}) -> (memref<4x?xf32>, memref<?x4xf32>) {
  %y = memref.alloc(%n) : memref<4x?xf32>
  // expected-error@+1 {{copies state 'past', which must be read where it is}}
  linalg.transpose ins(%s : memref<?x4xf32>) outs(%y : memref<4x?xf32>) permutation = [1, 0]
  return %y, %s : memref<4x?xf32>, memref<?x4xf32>
}

// -----

#repeated = affine_map<(d0, d1, d2) -> (d1, d2)>
#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @repeated(%n: index, %s: memref<?x4xf32> {moec.state = "past"}) -> (memref<2x?x4xf32>, memref<?x4xf32>) {
  %y = memref.alloc(%n) : memref<2x?x4xf32>
  // expected-error@+1 {{copies state 'past', which must be read where it is}}
  linalg.generic {indexing_maps = [#repeated, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : memref<?x4xf32>) outs(%y : memref<2x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
  }
  return %y, %s : memref<2x?x4xf32>, memref<?x4xf32>
}

// -----

// expected-error@+1 {{state 'past' is not updated in place}}
func.func @elsewhere(%n: index, %s: memref<?x4xf32> {moec.state = "past"}) -> memref<?x4xf32> {
  %y = memref.alloc(%n) : memref<?x4xf32>
  return %y : memref<?x4xf32>
}
