// SPDX-License-Identifier: MIT

package sfshm

import (
	"testing"
)

func hit(b *testing.B) *Segment {
	seg, _ := open(b)
	if err := seg.Set("key", make([]byte, 64), Policy{TTL: Forever}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	return seg
}

func BenchmarkGetInto(b *testing.B) {
	seg := hit(b)
	key, buf := []byte("key"), make([]byte, 64)
	for i := 0; i < b.N; i++ {
		seg.GetInto(key, buf)
	}
}

func BenchmarkGet(b *testing.B) {
	seg := hit(b)
	for i := 0; i < b.N; i++ {
		seg.Get("key")
	}
}

func BenchmarkDoHit(b *testing.B) {
	seg := hit(b)
	for i := 0; i < b.N; i++ {
		seg.Do(ctx, "key", Policy{}, nil)
	}
}

// What Do adds to x/sync/singleflight's: nobody else asks, nothing is kept.
func BenchmarkDoRun(b *testing.B) {
	seg := hit(b)
	work := constant("value")
	for i := 0; i < b.N; i++ {
		seg.DoResult(ctx, "run", Policy{}, work)
	}
}
