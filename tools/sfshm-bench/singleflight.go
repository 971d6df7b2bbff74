// SPDX-License-Identifier: MIT

// The peer of the case "flight": for each line of input, a number, calls
// singleflight.Do that often, without followers, and prints the ns that it took.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"
)

func main() {
	var group singleflight.Group
	var value interface{} = make([]byte, 64)
	work := func() (interface{}, error) { return value, nil }
	key := "key 00000000000000000001"

	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench-singleflight:", err)
			os.Exit(1)
		}
		start := time.Now()
		for i := 0; i < n; i++ {
			group.Do(key, work)
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
