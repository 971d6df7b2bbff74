// SPDX-License-Identifier: MIT

// Command server runs four workers with net/http on one socket, for the tests of
// the Go binding. SIGHUP replaces the workers, SIGTERM ends them; both let
// requests finish. A worker that dies is replaced.
package main

import (
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const workers = 4

type master struct {
	socket *os.File
	living map[*exec.Cmd]bool // whether it was told to end
	ends   chan *exec.Cmd
}

func main() {
	if os.Getenv("WORKER") != "" {
		work()
		return
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	socket, err := listener.(*net.UnixListener).File()
	if err != nil {
		log.Fatal(err)
	}
	m := &master{socket, map[*exec.Cmd]bool{}, make(chan *exec.Cmd)}
	m.startAll()
	m.loop()
}

func (m *master) start() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WORKER=1")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{m.socket}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	m.living[cmd] = false
	go func() {
		cmd.Wait()
		m.ends <- cmd
	}()
}

func (m *master) startAll() {
	for i := 0; i < workers; i++ {
		m.start()
	}
}

func (m *master) endAll() {
	for cmd := range m.living {
		m.living[cmd] = true
		cmd.Process.Signal(syscall.SIGTERM)
	}
}

func (m *master) loop() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	for len(m.living) > 0 {
		select {
		case s := <-signals:
			m.endAll()
			if s == syscall.SIGHUP {
				m.startAll()
			}
		case cmd := <-m.ends:
			told := m.living[cmd]
			delete(m.living, cmd)
			if !told {
				m.start()
			}
		}
	}
}
