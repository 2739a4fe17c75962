// RUN: moec-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{'moe.state' op grows along axis 2 of 'tensor<?x4xf32>'}}
moe.state @s axis 2 capacity 16 present "y" : tensor<?x4xf32>

// -----

// expected-error@+1 {{'moe.state' op grows along axis 1 of 'tensor<?x4xf32>', whose size is fixed}}
moe.state @s axis 1 capacity 16 present "y" : tensor<?x4xf32>

// -----

// expected-error@+1 {{'moe.state' op has a capacity of 0, expected at least one row}}
moe.state @s axis 0 capacity 0 present "y" : tensor<?x4xf32>

// -----

func.func @main(%rows: tensor<1x4xf32>, %past: tensor<?x4xf32> {moe.state = @s}) -> tensor<?x4xf32> {
  // expected-error@+1 {{'moe.cache_append' op names @s, which is no 'moe.state'}}
  %all = moe.cache_append %rows to %past in @s : tensor<1x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  return %all : tensor<?x4xf32>
}

// -----

moe.state @s axis 0 capacity 16 present "y" : tensor<?x4xf32>
func.func @main(%rows: tensor<1x4xf32>, %past: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{'moe.cache_append' op adds to a value that is not the argument of @s}}
  %all = moe.cache_append %rows to %past in @s : tensor<1x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  return %all : tensor<?x4xf32>
}

// -----

moe.state @s axis 0 capacity 16 present "y" : tensor<?x4xf32>
func.func @main(%rows: tensor<1x5xf32>, %past: tensor<?x4xf32> {moe.state = @s}) -> tensor<?x4xf32> {
  // expected-error@+1 {{'moe.cache_append' op works on 'tensor<1x5xf32>', but its state is 'tensor<?x4xf32>'}}
  %all = moe.cache_append %rows to %past in @s : tensor<1x5xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  return %all : tensor<?x4xf32>
}
