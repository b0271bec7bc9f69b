/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX messages: datagrams, seqpackets, their queues, sendmsg and recvmsg. */
#include "unix.h"

static void datagrams(void)
{
	int a = bound(SOCK_DGRAM, "a"), b = bound(SOCK_DGRAM, "@b"), c = socket(AF_UNIX, SOCK_DGRAM, 0), n;
	struct sockaddr_un to, from;
	socklen_t len, flen;
	char buf[16];

	check_errno(send(c, "x", 1, 0), ENOTCONN);
	check_errno(recv(c, buf, 1, MSG_DONTWAIT), EAGAIN);
	check_errno(listen(a, 1), EOPNOTSUPP);
	check_errno(accept(a, NULL, NULL), EOPNOTSUPP);
	to = name_of("a", &len);
	check_equal(sendto(b, "hello", 5, 0, (void *)&to, len), 5);
	check_equal(sendto(c, "", 0, 0, (void *)&to, len), 0);
	check_equal(sendto(c, "123", 3, 0, (void *)&to, len), 3);
	check_ok(ioctl(a, FIONREAD, &n));
	check_equal(n, 5);
	flen = sizeof from;
	check_equal(recvfrom(a, buf, 2, MSG_PEEK | MSG_TRUNC, (void *)&from, &flen), 5);
	check_equal(flen, 4);
	check(!memcmp(from.sun_path, "\0b", 2));
	flen = 3;
	memset(&from, 'x', sizeof from);
	check_equal(recvfrom(a, buf, 2, 0, (void *)&from, &flen), 2);
	check_equal(flen, 4);
	check_equal(from.sun_path[1], 'x');
	flen = sizeof from;
	check_equal(recvfrom(a, buf, 16, 0, (void *)&from, &flen), 0);
	check_equal(flen, 0);
	check_equal(recv(a, buf, 16, 0), 3);
	check_errno(recv(a, buf, 16, MSG_DONTWAIT), EAGAIN);
	/* Connected: only the peer may send. */
	check_ok(connect_to(a, "@b"));
	check_equal(send(a, "to b", 4, 0), 4);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, len), EPERM);
	check_errno(connect_to(c, "a"), EPERM);
	check_equal(recv(b, buf, 16, 0), 4);
	check_ok(connect_to(b, "a"));
	check_equal(send(b, "lost", 4, 0), 4);
	from.sun_family = AF_UNSPEC;
	check_ok(connect(a, (void *)&from, sizeof from));
	check_errno(send(a, "x", 1, 0), ENOTCONN);
	check_errno(recv(b, buf, 16, MSG_DONTWAIT), ECONNRESET);
	check_errno(recv(b, buf, 16, MSG_DONTWAIT), EAGAIN);
	check_ok(connect_to(c, "a"));
	check_ok(shutdown(a, SHUT_RD));
	check_errno(send(c, "x", 1, 0), EPIPE);
	check_ok(close(a));
	check_errno(send(c, "x", 1, 0), ECONNREFUSED);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, len), ECONNREFUSED);
	check_errno(sendto(c, "x", 1, 0, (void *)8, len), EFAULT);
	check_errno(sendto(c, "x", 1, 0, (void *)&to, 300), EINVAL);
	check_errno(send(b, "x", 1, MSG_OOB), EOPNOTSUPP);
}

static void *receive_one(void *arg)
{
	char c;

	sleep_ms(50);
	return (void *)(long)recv(*(int *)arg, &c, 1, 0);
}

static void datagram_queue(void)
{
	int a = bound(SOCK_DGRAM, "@queue"), c = socket(AF_UNIX, SOCK_DGRAM, 0), n = 0, limit = 0;
	struct pollfd p = { c, POLLOUT, 0 };
	FILE *f = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");
	pthread_t t;
	void *r;
	char b;

	check(f && fscanf(f, "%d", &limit) == 1);
	check(limit >= 10);
	check_ok(connect_to(c, "@queue"));
	check_equal(poll(&p, 1, 0), 1);
	while (n <= limit) {
		check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
		n++;
	}
	check_errno(send(c, "x", 1, MSG_DONTWAIT), EAGAIN);
	check_equal(poll(&p, 1, 0), 0);
	check_equal(pthread_create(&t, NULL, receive_one, &a), 0);
	check_equal(poll(&p, 1, 5000), 1);
	check_equal(pthread_join(t, &r), 0);
	check_equal((long)r, 1);
	check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
	check_equal(pthread_create(&t, NULL, receive_one, &a), 0);
	check_equal(send(c, "x", 1, 0), 1);
	check_equal(pthread_join(t, &r), 0);
	while (recv(a, &b, 1, MSG_DONTWAIT) == 1)
		n--;
	check_equal(n, 0);
	/* The receiver goes while a sender waits. */
	for (n = 0; n <= limit; n++)
		check_equal(send(c, "x", 1, MSG_DONTWAIT), 1);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(0);
	}
	check_ok(close(a));
	check_errno(send(c, "x", 1, 0), ECONNREFUSED);
}

static void seqpackets(void)
{
	int s[2];
	char buf[16];
	struct iovec v = { buf, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	check_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	check_equal(write(s[0], "hello", 5), 5);
	check_equal(write(s[0], "you", 3), 3);
	check_equal(recvmsg(s[1], &m, 0), 3);
	check_equal(m.msg_flags, MSG_TRUNC);
	check_equal(recvmsg(s[1], &m, 0), 3);
	check_equal(m.msg_flags, 0);
	check(!memcmp(buf, "you", 3));
	check_equal(write(s[0], "abcd", 4), 4);
	check_equal(read(s[1], buf, 16), 4);
	check_ok(close(s[0]));
	check_equal(read(s[1], buf, 16), 0);
	check_equal(recv(s[1], buf, 16, MSG_DONTWAIT), 0);
	check_errno(recv(socket(AF_UNIX, SOCK_SEQPACKET, 0), buf, 1, 0), ENOTCONN);
	check_errno(send(socket(AF_UNIX, SOCK_SEQPACKET, 0), buf, 1, 0), ENOTCONN);
}

/* By number: the C library looks into the structures itself. */
static void messages(void)
{
	struct mmsghdr mm[4] = { 0 };
	struct iovec v[4], one = { "0123456789", 10 };
	struct timespec ts = { 0, 50000000 };
	struct msghdr m = { 0 };
	char buf[4][8];
	int s[2];

	check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){ buf[i], (size_t)i + 1 };
		memset(buf[i], 'a' + i, 8);
		mm[i].msg_hdr.msg_iov = &v[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	check_equal(syscall(SYS_sendmmsg, s[0], mm, 4, 0), 4);
	check_equal(mm[3].msg_len, 4);
	memset(buf, 0, sizeof buf);
	check_equal(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_WAITFORONE, NULL), 4);
	for (int i = 0; i < 4; i++) {
		check_equal(mm[i].msg_len, i + 1);
		check_equal(buf[i][i], 'a' + i);
	}
	check_errno(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_DONTWAIT, NULL), EAGAIN);
	check_equal(send(s[0], "x", 1, 0), 1);
	check_equal(syscall(SYS_recvmmsg, s[1], mm, 4, MSG_WAITFORONE, &ts), 1);
	ts.tv_nsec = -1;
	check_errno(syscall(SYS_recvmmsg, s[1], mm, 4, 0, &ts), EINVAL);
	check_errno(syscall(SYS_sendmmsg, s[0], (void *)8, 1, 0), EFAULT);
	check_errno(syscall(SYS_sendmsg, s[0], (void *)8, 0), EFAULT);
	check_errno(syscall(SYS_recvmsg, s[1], (void *)8, 0), EFAULT);
	m.msg_iov = &one;
	m.msg_iovlen = 1025;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EMSGSIZE);
	m.msg_iovlen = 1;
	one.iov_len = -1;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	one.iov_len = 1;
	m.msg_control = buf;
	m.msg_controllen = 1 << 20;
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), ENOBUFS);
	m.msg_controllen = 17;
	memset(buf, 0xff, sizeof buf);
	check_errno(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	m.msg_controllen = 15;		/* too short for a header: no message */
	check_equal(syscall(SYS_sendmsg, s[0], &m, 0), 1);
}

static const struct test table[] = {
	{ "datagrams", datagrams }, { "datagram-queue", datagram_queue }, { "seqpackets", seqpackets },
	{ "messages", messages }, { NULL, NULL },
};

TEST_MAIN(table)
