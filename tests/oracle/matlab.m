% Makes tests/data/matlab/*.mat: arrays as Flower102's files hold them, and what must be
% refused.  GNU Octave 7.3.0 (Debian 12):  octave --norc matlab.m OUTDIR
% The header of each file carries the date at which it was made.
cd(argv(){1});

% A miniature of the official pair: ids not sorted, labels 1..102.
trnid = [5 1]; valid = [3]; tstid = [6 2 4];
save -7 setid.mat trnid valid tstid
labels = [1 2 102 1 2 102];
save -7 imagelabels.mat labels

% Stored number types and shapes; short and long names; compressed and plain.
a = [1 300 65535];
negative = [-1 -200; 3 -40000];
big = [2^31 2^32 1];
fraction = [0.5 -1.25 1e300];
single_class = single([0.5 2]);
i8 = int8([-128 127]); u8 = uint8([0 255]); i16 = int16([-32768 32767]); u16 = uint16([0 65535]);
i32 = int32([-2^31 2^31-1]); u32 = uint32([0 2^32-1]); i64 = int64([-2^40 2^40]);
uint64_class = uint64([1 2]);
cube = reshape(1:24, 2, 3, 4);
none = zeros(0, 3);
word = 'text';
z = [1+2i 3];
sp = sparse([1 0 2]);
save -7 types7.mat a negative big fraction single_class i8 u8 i16 u16 i32 u32 i64 uint64_class cube none word z sp
save -6 types6.mat a negative big fraction single_class i8 u8 i16 u16 i32 u32 i64 uint64_class cube none word z sp
