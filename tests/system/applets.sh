#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Uses well over 60 of busybox's applets and prints what they say. Every line is the same on any
# correct kernel: no process ids, times, sizes of the machine or order of directories. The test is
# that Linux and Trivet give identical bytes, so a failure here shows as a difference, not as a word.
export LC_ALL=C TZ=UTC0 PATH=/usr/bin:/bin:/usr/sbin:/sbin
umask 022
work=/tmp/applets
rm -rf $work
mkdir -p $work
cd $work || exit 1

part() { echo "== $*"; }
status() { "$@"; echo "status $?"; }

part text files
printf 'pear 3\napple 10\nfig 2\napple 10\n' > fruit
cat fruit
tac fruit
rev fruit
sort fruit | uniq -c
sort -k2 -n -r fruit
head -n 2 fruit | tail -n 1
wc fruit
cut -d ' ' -f 2 fruit | paste -s -d + | bc
nl fruit
tr 'a-z' 'A-Z' < fruit
sed -n 's/apple/plum/p' fruit
awk '{ sum[$1] += $2 } END { for (k in sum) print k, sum[k] }' fruit | sort
grep -n fig fruit
egrep -c '^(pear|fig)' fruit
fgrep -v apple fruit
status grep -q nothing fruit
printf 'a\tb\n' | expand -t 4 | unexpand -a -t 4 | od -c
printf 'one two three four five six\n' | fold -s -w 10
printf 'a\r\nb\r\n' | dos2unix | unix2dos | hexdump -C
strings -n 4 fruit
shuf -e 3 1 2 | sort | xargs echo
tee copy < fruit | md5sum
cmp fruit copy && echo same
sed 's/fig/date/' fruit > other
status diff fruit other
diff -u fruit other | sed 1,2d > change
patch fruit < /dev/null
diff -u fruit other | patch -p0 fruit > /dev/null
cmp fruit other && echo patched
printf '1s/pear/peach/\nw\nq\n' | ed -s fruit 2> /dev/null || printf '1s/pear/peach/\nw\nq\n' | ed fruit
head -n 1 fruit
split=$(awk 'BEGIN { for (i = 1; i <= 2000; i++) print i * i }' | sha256sum)
echo "$split"

part numbers
seq 1 3 10 | xargs
factor 1001 65537 4294967297
expr 6 \* 7
echo '2 3 ^ p' | dc
echo 'scale=10; 22/7' | bc
cal 2 2024
date -u -d @86399 '+%Y-%m-%d %H:%M:%S'
ascii | sed -n 5p
ipcalc -n 10.1.2.3/20

part directories and links
mkdir -p d/e/f
rmdir d/e/f
touch -d '2020-02-02 02:02:02' d/t d/e
ls -l d | sed 1d | awk '{ print $1, $2, $3, $4, $6, $7, $8, $9 }'
ln fruit hard
ln -s fruit soft
link hard harder
ls -1 | sort
stat -c '%n %s %h %a %F' fruit hard soft
stat -c '%n %a %F' d
readlink soft
realpath d/../soft
basename /usr/lib/libx.so .so
dirname /usr/lib/libx.so
unlink harder
cp -a d d2
mv d2 d3
find . -type f | sort
find . -name 't*' -exec stat -c '%n %Y' {} \; | sort
chmod 640 fruit
chown 12:34 fruit
chgrp 56 fruit
stat -c '%a %u %g' fruit
chmod u+s,g+w copy
stat -c '%A' copy
install -m 711 copy installed
stat -c '%a %s' installed
truncate -s 100000 sparse
stat -c '%s' sparse
fallocate -l 5000 solid
stat -c '%s' solid
dd if=sparse of=piece bs=1000 count=3 skip=2 2> /dev/null
wc -c < piece
du -a d3 | wc -l
mkfifo pipe
(cat pipe | tr a-z A-Z) & echo through a fifo > pipe
wait
mknod null c 1 3
status cat null
test -p pipe && echo a fifo
[ -L soft ] && echo a link
mktemp tmp.XXXXXX | wc -c
run-parts --test /nonexistent 2> /dev/null
status rm nonexistent 2> /dev/null
rm -rf d d3
status test -e d
i=0
while [ $i -lt 300 ]; do
	: > file-with-a-long-name-$i
	i=$((i + 1))
done
ls | wc -l
find . -name 'file-with*' | xargs rm
ls | wc -l

part archives and sums
mkdir tree
for i in 1 2 3; do seq $i 500 > tree/$i; done
touch -d '2021-01-01 00:00:00' tree/*
tar cf tree.tar tree
tar tf tree.tar | sort
gzip -9 -c tree/1 | gunzip | cmp - tree/1 && echo gzip
bzip2 -c tree/2 | bunzip2 | cmp - tree/2 && echo bzip2
bzip2 -c tree/2 | bzcat | sha1sum
gzip -c tree/3 | zcat | sha256sum
sha512sum tree/1
sha3sum tree/1
crc32 tree/1
rm -r tree
tar xf tree.tar
sha1sum tree/1 tree/2 tree/3
find tree | sort | cpio -o -H newc 2> /dev/null > tree.cpio
cpio -t < tree.cpio 2> /dev/null | sort
ar r tree.a tree/1 2> /dev/null
ar t tree.a 2> /dev/null
base64 tree/1 | base64 -d | cmp - tree/1 && echo base64
uuencode -m tree/1 x | uudecode -o x && cmp x tree/1 && echo uu
head -c 40 tree/2 | xxd
head -c 40 tree/2 | xxd -p

part processes
sh -c 'exit 3'
echo $?
(sleep 0.1; exit 4) & wait $!
echo $?
sh -c 'kill -TERM $$'
echo $?
timeout 0.2 sleep 5
echo $?
timeout 5 true
echo $?
yes | head -n 1000 | wc -l
yes done | head -n 3
seq 1 20 | xargs -n 7 echo
true && false || echo logic
env -i A=1 B=2 env | sort
setsid sh -c 'echo session'
nproc > /dev/null && echo nproc
usleep 1000
trap 'echo caught' USR1
kill -USR1 $$
kill -l 9
# Whether ash says "Terminated" too hangs on when the death is noticed.
sh -c 'sleep 60 & kill $!; wait $! 2> /dev/null; echo $?'
for i in 1 2 3 4 5 6 7 8; do (echo $((i * i))) & done | sort -n
wait
start-stop-daemon --version > /dev/null 2>&1
which cat
getopt ab: -a -b x y
id
whoami
groups
uname -s
hostname > /dev/null && echo hostname
pwd
echo $((0x7fffffffffffffff + 1)) $((-7 / 2)) $((-7 % 2)) $((1 << 40))
cat <<HERE
here $((1 + 1))
HERE
x=abcdef
echo ${x#abc} ${x%def} ${#x} ${y:-unset}
case $x in a*f) echo case ;; esac
set -- a 'b c' d
for word in "$@"; do echo "<$word>"; done
func() { local x=inner; echo $x; }
func
echo $x
exec 3> third
echo to three >&3
exec 3>&-
cat third
{ echo out; echo err >&2; } 2>&1 | sort
ulimit -n > /dev/null && echo ulimit
cd / && ls -d tmp root bin
sync
rm -rf $work
part end
