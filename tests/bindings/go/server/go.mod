module server

go 1.19

require sfshm v0.0.0

replace sfshm => ../../../../src/bindings/go
