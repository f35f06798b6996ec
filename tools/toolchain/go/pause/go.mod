module corral.invalid/toolchain/pause

go 1.24.0
