// RUN: moec-opt %s --moec-link-kernels --split-input-file --verify-diagnostics

func.func @unknown(%y: memref<?xf32>) {
  // expected-error @below {{calls 'no_such_kernel', which is no kernel}}
  kernel.call @no_such_kernel outs(%y : memref<?xf32>)
  return
}

// -----

func.func @count(%x: memref<4xf32>) {
  // expected-error @below {{passes 1 operands to 'twice', which takes 2}}
  kernel.call @twice outs(%x : memref<4xf32>)
  return
}
func.func private @twice(%x: memref<?xf32>, %y: memref<?xf32>) {
  return
}

// -----

func.func @types(%x: memref<4xi64>, %y: memref<4xf32>) {
  // expected-error @below {{passes 'memref<4xi64>' to 'twice', which takes 'memref<?xf32>' as operand 0}}
  kernel.call @twice ins(%x : memref<4xi64>) outs(%y : memref<4xf32>)
  return
}
func.func private @twice(%x: memref<?xf32>, %y: memref<?xf32>) {
  return
}
