#!/usr/bin/env bash
# furrow images: bytes that are known beforehand, the same for any ranks and threads; order, labels, statistics, batches, and every
# kind of bad input.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

clouds="$FURROW_BINARY_DIR/apps/make_clouds"

# ppm FILE BYTE...: a picture of 2 x 2 pixels.
ppm()
{
    local file=$1
    shift
    {
        printf 'P6 2 2 255\n'
        # shellcheck disable=SC2059
        printf "$(printf '\\x%02x' "$@")"
    } >"$file"
}

# data FILE [FORMAT]: the elements of an .npy file, between single spaces.
data()
{
    tail -c +129 "$1" | od -An -v -t "${2:-u1}" | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'
}

# images OPTION...
images()
{
    furrow images "$@" -q
}

# ------------------------------------------------------------------------------------------------- bytes that are known
mkdir small
ppm small/b.ppm 13 14 15 16 17 18 19 20 21 22 23 24
ppm small/a.PPM 1 2 3 4 5 6 7 8 9 10 11 12
ppm small/c.ppm 0 51 102 153 204 255 0 51 102 153 204 255
echo 'no image' >small/notes.txt
cp small/b.ppm small/.hidden.ppm
expect_exit 0 furrow images small -o out.npy
expect_equal 'out.npy: u1 (3, 2, 2, 3), 3 images' "$(cat stdout)"
expect_equal '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 0 51 102 153 204 255 0 51 102 153 204 255' "$(data out.npy)"
printf '%s\n' index,path,status,height,width,channels,error 0,small/a.PPM,ok,2,2,3, 1,small/b.ppm,ok,2,2,3, \
    2,small/c.ppm,ok,2,2,3, >expected.csv
expect_same expected.csv out.manifest.csv
expect_exit 0 images small/a.PPM -o out.npy --color bgr
expect_equal '3 2 1 6 5 4 9 8 7 12 11 10' "$(data out.npy)"
expect_exit 0 images small/a.PPM -o out.npy --layout NCHW
expect_equal '1 4 7 10 2 5 8 11 3 6 9 12' "$(data out.npy)"
expect_exit 0 images small/c.ppm -o out.npy --dtype f4 --mean 0.2,0.4,0.6 --std 0.5,1,2 --size 1x1 --filter nearest
expect_equal 1 "$(data out.npy f4 | awk '{ print ($2 > 0.399 && $2 < 0.401 && NF == 3) }')" "normalized: $(data out.npy f4)"
printf '%s\n' small/c.ppm small/a.PPM >list
expect_exit 0 images @list small/a.PPM --offset 1 -o out.npy # sorted, each once
expect_equal '0 51 102 153 204 255 0 51 102 153 204 255' "$(data out.npy)"
expect_exit 0 images small --limit 1 -o out.npy
expect_equal '1 2 3 4 5 6 7 8 9 10 11 12' "$(data out.npy)"

# ------------------------------------------------------------------------------------------------------------ statistics
# Of red: 1 4 7 10 13 16 19 22 0 153 0 153; of green 2 5 8 11 14 17 20 23 51 204 51 204 and so on.
expect_exit 0 furrow images small --stats
expect_equal '3 images' "$(head -n 1 stdout)"
expect_equal 'mean     33.166666666666664,50.833333333333336,68.5' "$(sed -n 2p stdout)"
deviations=54.04756135931471,70.15082956664796,89.62282075453774 # by Python's decimal, 60 digits
expect_equal "std      $deviations" "$(sed -n 3p stdout)"
expect_exit 0 furrow images small --stats -o out.npy --dtype f4 --mean 0.3 --std 2 --layout NCHW -q
expect_equal 'mean     0.1300653594771242,0.19934640522875818,0.26862745098039215' "$(sed -n 1p stdout)"
expect_exit 0 furrow images small --stats --json
expect_equal '"mean":[33.166666666666664,50.833333333333336,68.5],"std":['"$deviations]" "$(grep -o '"mean".*\],"el' stdout | sed 's/,"el//')"
expect_equal 0 "$(json_value files)" files

# ---------------------------------------------------------------------------------------- the same bytes however it is run
expect_exit 0 "$clouds" clouds 12 140 210 5
options=(clouds -r --size 64x80 --fit crop --dtype f4 --shuffle 9 --epoch 2 --offset 1 --labels clouds/labels.csv --stats)
mkdir clouds/deep
mv clouds/cloud-00003.jpg clouds/deep/
head -c 3000 clouds/cloud-00004.jpg >clouds/cloud-00005.jpg
expect_exit 3 furrow images "${options[@]}" -o expected.npy --json -t 1
json_value mean >expected.mean
for ranks in 1 2 3; do
    for threads in 1 3; do
        expect_exit 3 on_ranks "$ranks" furrow images "${options[@]}" -o out.npy -t "$threads" -m 40M --json
        expect_same expected.npy out.npy
        expect_same expected.manifest.csv out.manifest.csv
        expect_same expected.labels.npy out.labels.npy
        expect_equal "$(cat expected.mean)" "$(json_value mean)" mean
        expect_equal "$ranks" "$(json_value ranks)" ranks
    done
done
expect_exit 3 on_ranks 2 furrow images "${options[@]}" -o out.npy -q --source root
expect_same expected.npy out.npy
expect_equal 11 "$(grep -c , <(tail -n +2 expected.manifest.csv))" 'rows of the manifest'
expect_equal 11 "$(tail -n +2 expected.manifest.csv | cut -d, -f2 | sort -u | wc -l)" 'different images'
for epoch in 1 2; do # the order depends on seed and epoch
    expect_exit 3 images clouds -r --size 8x8 --shuffle 9 --epoch $epoch -o e$epoch.npy
    cut -d, -f2 e$epoch.manifest.csv >names$epoch
done
cmp -s names1 names2 && fail 'two epochs have one order'
expect_equal "$(tail -n +3 names2)" "$(tail -n +2 expected.manifest.csv | cut -d, -f2)" 'the order from place 1 on'

# ----------------------------------------------------------------------------------------------------------------- batches
expect_exit 3 images clouds -r --size 20x30 -o all.npy --labels clouds/labels.csv
expect_exit 3 on_ranks 2 furrow images clouds -r --size 20x30 --batch 5 -o 'b-%02d.npy' --labels clouds/labels.csv --json
expect_equal 3 "$(json_value files)" files
expect_text stdout '"rejected":[{"index":4,"path":"clouds/cloud-00005.jpg"'
expect_exit 0 furrow join b-00.npy b-01.npy b-02.npy -q -o joined.npy
expect_same all.npy joined.npy
expect_exit 0 furrow join b-00.labels.npy b-01.labels.npy b-02.labels.npy -q -o joined.npy
expect_same all.labels.npy joined.npy
expect_equal 3 "$(wc -l <b-02.manifest.csv)" 'lines of the last manifest'
expect_equal "$(tail -n 2 all.manifest.csv | cut -d, -f2-)" "$(tail -n 2 b-02.manifest.csv | cut -d, -f2-)" 'the last batch'

# ------------------------------------------------------------------------------------------------------------------ labels
printf 'name,kind,x,y\nb,"of ""b"", say",2.5,\nc.ppm,c,,7\nz.ppm,z,1,1\n' >labels.csv
expect_exit 0 furrow images small -o out.npy --labels labels.csv --label-columns y,kind,x
expect_text stdout 'without labels: 1 images, such as small/a.PPM'
expect_text stdout 'labels without image: 1, such as z.ppm'
expect_equal 'nan nan nan 2.5 7 nan' "$(data out.labels.npy f8 | tr A-Z a-z | sed 's/-nan/nan/g')" 'labels that are numbers'
expect_equal '1,small/b.ppm,ok,2,2,3,,,"of ""b"", say",2.5' "$(sed -n 3p out.manifest.csv)"
expect_exit 0 furrow images small -o out.npy --labels labels.csv --json
expect_text stdout '"images_without":1,"images_without_list":["small/a.PPM"],"without_image":1,"without_image_list":["z.ppm"]'

# --------------------------------------------------------------------------------------------------------------- bad images
mkdir bad bad/folder.png
cp clouds/cloud-0000[012].jpg bad
: >bad/empty.jpg
echo 'this is text' >bad/text.jpg
cp clouds/cloud-00005.jpg bad/early.jpg
ln -s loop.jpg bad/loop.jpg
ln -s nowhere bad/gone.jpg
mkfifo bad/pipe.jpg
cp clouds/cloud-00001.jpg "bad/new
line.jpg"
cp clouds/cloud-00002.jpg bad/not-$'\xff\xfe'.jpg
cp small/a.PPM bad/other-size.png
printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\x86\xa0\0\1\x86\xa0\x08\2\0\0\0\xbc\x99\xa0\x1f' >bad/bomb.png
expect_exit 3 furrow images bad -o out.npy --size 140x210 --json
printf '%s\n' '0,bad/bomb.png,rejected' '1,bad/cloud-00000.jpg,ok' '2,bad/cloud-00001.jpg,ok' '3,bad/cloud-00002.jpg,ok' \
    '4,bad/early.jpg,rejected' '5,bad/empty.jpg,rejected' '6,bad/folder.png,rejected' '7,bad/gone.jpg,rejected' \
    '8,bad/loop.jpg,rejected' '9,"bad/new' 'line.jpg",ok,140' 10,bad/not-$'\xff\xfe'.jpg,ok '11,bad/other-size.png,ok' \
    '12,bad/pipe.jpg,rejected' '13,bad/text.jpg,rejected' >expected.csv
expect_equal "$(cat expected.csv)" "$(tail -n +2 out.manifest.csv | cut -d, -f1-3)" manifest
for reason in 'bomb.png","error":"' 'the file is empty' 'Is a directory' 'No such file or directory' 'Too many levels of symbolic links' \
    'not a regular file' 'not a picture of a known format'; do
    expect_text stdout "$reason"
done
expect_equal 8 "$(json_value rejected_count)" rejects
grep -q '178956970' out.manifest.csv || fail "the limit of pixels is not named: $(sed -n 2p out.manifest.csv)"
expect_exit 3 furrow images bad -o out.npy --size 140x210 --json # bytes that are no UTF-8 are no JSON
expect_exit 3 furrow images bad/not-$'\xff\xfe'.jpg bad/text.jpg --size 9x9 -o out.npy
expect_text stdout 'out.npy: u1 (2, 9, 9, 3), 2 images, 1 rejected'
expect_text stdout 'rejected 1 bad/text.jpg: not a picture'
expect_exit 0 furrow reduce nonzero out.npy --sections 2
expect_text stdout 'rows [1, 2)'
expect_equal 0 "$(tail -n 1 stdout | awk '{ print $2 }')" 'pixels of a reject that are not zero'
if furrow doctor | grep -q libjpeg; then # stb_image gives nothing of it
    expect_exit 0 images bad/early.jpg -o out.npy --on-error keep
    grep -q '^0,bad/early.jpg,ok,140,210,3,..*$' out.manifest.csv || fail "no warning: $(cat out.manifest.csv)"
fi
mkdir odd # the reason goes without the name, whatever that holds
ln -s nowhere odd/$'gone\n.jpg'
ln -s nowhere odd/$'gone\xff.jpg'
expect_exit 3 images odd --size 9x9 -o out.npy
expect_equal 2 "$(grep -c '.jpg"*,rejected,,,,cannot open: No such file or directory$' out.manifest.csv)" "reasons: $(cat out.manifest.csv)"
expect_exit 1 furrow images bad --size 9x9 --on-error stop -t 1 -o new.npy
expect_equal 'furrow: images: bad/bomb.png: ' "$(grep -o 'furrow: images: bad/bomb.png: ' stderr)"
rm -f .new.npy.*
if [ "$(id -u)" -eq 0 ]; then # root may read all: as another user, where that is possible
    chmod 711 . "$work"
    cp clouds/cloud-00000.jpg bad/shut.jpg
    chmod 600 bad/shut.jpg
    if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null && [ -x "$FURROW" ]; then
        mkdir -m 777 theirs
        code=0
        setpriv --reuid 65534 --regid 65534 --clear-groups furrow images bad/shut.jpg bad/cloud-00001.jpg -q -o theirs/out.npy --size 9x9 2>stderr || code=$?
        expect_equal 3 "$code" "exit code without permission: $(cat stderr)"
        expect_text theirs/out.manifest.csv 'cannot open: Permission denied'
    fi
    rm -f bad/shut.jpg
fi

# A chunk whose length would lead back to its own beginning.
{ head -c 33 "$FURROW_TEST_DATA/images/exif6.png"; printf '\xff\xff\xff\xf4zzZz'; head -c 200000 /dev/zero; } >round.png
expect_exit 3 timeout 60 "$FURROW" images round.png -o out.npy
expect_text stdout 'rejected 0 round.png: PNG'

# The orientation of a PNG may stand far behind its header: 19 x 23 pixels on their side.
{ head -c 33 "$FURROW_TEST_DATA/images/exif6.png"; printf '\0\1\x11\x70zzZz'; head -c 70000 /dev/zero; printf '\0\0\0\0'
    tail -c +34 "$FURROW_TEST_DATA/images/exif6.png"; } >late.png
expect_exit 0 furrow images late.png -o out.npy
expect_equal 'out.npy: u1 (1, 23, 19, 3), 1 image' "$(cat stdout)"
expect_equal "$(od -An -v -t u1 "$FURROW_TEST_DATA/images/exif6.png.rgb" | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')" "$(data out.npy)" 'pixels of late.png'

# ----------------------------------------------------------------------------------------------- memory, whatever the number
if [ -z "$FURROW_SANITIZE" ] && [ -x /usr/bin/time ]; then
    expect_exit 0 "$clouds" large 2 1400 2100
    for i in $(seq -w 30); do ln large/cloud-00001.jpg "large/more-$i.jpg"; done
    expect_exit 0 /usr/bin/time -f %M -o peak furrow images large -o large.npy -m 64M -t 3 -q
    [ "$(tail -n 1 peak)" -lt 131072 ] || fail "peak of $(tail -n 1 peak) kB with --memory 64M: the output has 282 MB"
    rm large.npy
fi
# What needs more than the share of a thread gets it, what needs more than a quarter of the cap is a reject: on any threads.
mkdir wide
{ printf 'P6 2000 2000 255\n' && head -c 12000000 /dev/zero; } >wide/a.ppm
{ printf 'BM\x36\x1b\xb7\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xd0\7\0\0\xd0\7\0\0\1\0\x18\0' && head -c 12000024 /dev/zero; } >wide/b.bmp
expect_exit 0 images wide --size 9x9 -o out.npy -t 1 -m 120M
expect_exit 3 images wide --size 9x9 -o expected.npy -t 1 -m 64M
for how in '1 3' '2 1' '2 4'; do
    expect_exit 3 on_ranks "${how% *}" furrow images wide --size 9x9 -o out.npy -q -t "${how#* }" -m 64M
    expect_same expected.npy out.npy
    expect_same expected.manifest.csv out.manifest.csv
done
expect_equal '0,wide/a.ppm,ok,2000,2000,3,' "$(sed -n 2p out.manifest.csv)"
expect_text out.manifest.csv '1,wide/b.bmp,rejected,2000,2000,3,file and decoder need at least 24030610 bytes of memory and may have 16777216: give --memory 92M'
expect_exit 3 images wide/a.ppm --size 9x9 -o out.npy -m 20M
expect_text out.manifest.csv 'need at least 12000018 bytes of memory and may have 5242880: give --memory 46M'
rm -r wide

# ---------------------------------------------------------------------------------------------------------- contact sheet
expect_exit 3 images bad -o out.npy --size 9x9 --contact-sheet sheet.png
expect_exit 0 images sheet.png -o sheet.npy # a picture
expect_exit 0 furrow info sheet.npy
expect_text stdout '(1, '

# ---------------------------------------------------------------------------------------------------------------- wrong use
# refused CODE TEXT OPTION...: one line on standard error, nothing written.
refused()
{
    local code=$1 text=$2
    shift 2
    expect_exit "$code" furrow images "$@"
    expect_lines stderr 1
    expect_text stderr "furrow: images: "
    expect_text stderr "$text"
    [ ! -s stdout ] || fail "output of furrow images $*"
    [ -z "$(find . -name '.*furrow*' -o -name 'new.*' -o -name 'new-*')" ] || fail "files left by furrow images $*"
}

refused 1 'bad/cloud-00000.jpg is 140x210, bad/other-size.png is 2x2; give one size, such as --size 140x210' bad -o new.npy
mkdir empty
refused 1 'empty: no images' empty -o new.npy
refused 1 'none: cannot open: No such file' none -o new.npy
refused 1 'none: cannot open' @none -o new.npy
refused 1 'none of 1 images can be read; the first, bad/text.jpg: not a picture' bad/text.jpg -o new.npy
refused 1 'no images: there are 3, none from place 3 on' small --offset 3 -o new.npy
refused 2 'no folder or file given' -o new.npy
refused 2 '--output is missing' small
refused 2 "--size: '10' is not HEIGHTxWIDTH" small -o new.npy --size 10
refused 2 "--size: '0x10' is not HEIGHTxWIDTH" small -o new.npy --size 0x10
refused 2 "--fit: 'fill' is none of stretch, crop, pad" small -o new.npy --fit fill
refused 2 "--layout: 'nhwc' is none of NHWC, NCHW" small -o new.npy --layout nhwc
refused 2 "--dtype: 'f8' is none of u1, f4" small -o new.npy --dtype f8
refused 2 '--mean and --std need --dtype f4' small -o new.npy --mean 0.5
refused 2 "--mean: '1,2' is not three numbers" small -o new.npy --dtype f4 --mean 1,2
refused 2 "--std: '1,2,3,4' is not three numbers" small -o new.npy --dtype f4 --std 1,2,3,4
refused 2 "--mean: '1,2,3' is not one number" small -o new.npy --dtype f4 --color gray --mean 1,2,3
refused 2 'std' small -o new.npy --dtype f4 --std 0
refused 2 '--epoch needs --shuffle SEED' small -o new.npy --epoch 2
refused 2 "--shuffle: '-1' is not an integer of at least 0" small -o new.npy --shuffle=-1
refused 2 '--offset: -1 is negative' small -o new.npy --offset -1
refused 2 '--resume needs --output' small --stats --resume
refused 2 'small/b.ppm: is both input and output' small -o small/b.ppm
refused 2 'new.png is both output and contact sheet' small -o new.png --contact-sheet new.png
refused 2 '--label-key needs --labels' small -o new.npy --label-key a
refused 2 'must have one %d or %05d' small -o new.npy --batch 2
refused 2 'must have one %d or %05d' small -o 'new-%s%d.npy' --batch 2
refused 1 'labels.csv: cannot open' small -o new.npy --labels none/labels.csv
refused 2 "no column 'b'; there are name, kind, x, y" small -o new.npy --labels labels.csv --label-columns b
printf 'name,x\na,1\na.PPM,2\n' >twice.csv
refused 1 'twice.csv: lines 2 and 3 are both for small/a.PPM' small -o new.npy --labels twice.csv
mkdir two two/1 two/2
cp small/a.PPM two/1
cp small/a.PPM two/2
refused 1 "twice.csv: line 2: 'a' may be two/1/a.PPM or two/2/a.PPM" two -r -o new.npy --labels twice.csv
refused 1 'bytes of memory are too few for 2 threads: at least ' small -o new.npy -t 2 -m 1M
refused 1 'new.npy: cannot create' small -o none/new.npy
refused 2 'is both input and output' small/a.PPM -o small/a.PPM
