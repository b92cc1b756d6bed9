module execd

go 1.22
