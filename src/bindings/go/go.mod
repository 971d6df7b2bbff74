module sfshm

go 1.19
