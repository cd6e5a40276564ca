#include "train/micro_world/rules.h"

namespace headlight {
namespace {

constexpr GrammarLine kLines[] = {
    {"property", "$e $a $g $S $n $i $V $l $f $b $h $O ， 因为 $P $d $A $k 。"},
    {"property", "$t $e $a $g $S $n $i $V $l $f $O ， 因为 $P $d $A $k 。"},
    {"property", "$N 里 的 $S $n $i $V $l $f $b $h $O ， 因为 $P $d $A $k 。"},
    {"property", "因为 $P $d $A $k ， 所以 $e $a $g $S $t $n $i $V $l $f $b $h $O 。"},
    {"property", "$f $b $h $O ， $e $a $g $S $n $i $V $L ， 因为 $P $d $A $k 。"},
    {"property", "因为 $P $d $A $k ， $f $b $h $O $e $a $g $S $n $i $V $L 。"},
    {"property", "$e $a $g $S $t $n $i $V $l $f $b $h $O 。 $P $d $A $k 。"},

    {"gender", "$e $S $t $V 了 $f $O ， 因为 $P $d $A $k 。"},
    {"gender", "因为 $P $d $A $k ， 所以 $e $S $V 了 $f $O 。"},
    {"gender", "$t $e $S 在 $N 里 $V 了 $f $O 。 $P $d $A $k 。"},
    {"gender", "$N 里 的 $S $V 了 $f $O ， 因为 $P $d $A $k 。"},

    {"recall", "$a 的 $S 和 $b 的 $O 在 $N 里 。 $s 是 $A 的 。"},
    {"recall", "$P 看见 $a 的 $S 和 $b 的 $O 。 $s 是 $A 的 ， $o 是 $B 的 。"},
    {"recall", "$a 的 $S 在 $b 的 $O 旁边 。 $P 喜欢 $s ， 因为 它 是 $A 的 。"},
    {"recall", "在 $N 里 $P 找到 了 $a 的 $S 和 $b 的 $O ， $o 是 $B 的 ， 但是 $s 是 $A 的 。"},

    {"selection", "$O 旁边 的 $a $g $S 在 $V 。"},
    {"selection", "$t $a $g $S 从 $O 身边 $V 走 了 。"},
    {"selection", "$N 里 的 $S 向 $O $V 去 。"},
    {"selection", "$t $O 看见 $a $g $S $V 走 了 。"},

    {"object", "拿着 $C 的 $S $t $V 了 $b $h $O 。"},
    {"object", "$t $S 在 $C 旁边 $V 了 $b $h $O 。"},
    {"object", "$S 把 $b $h $O $V 了 ， 留下 了 $C 。"},
    {"object", "$N 里 的 $S 卖掉 了 $C ， $V 了 $b $h $O 。"},

    {"place", "$a $g $S $t $V 在 $b $h $O 上 。"},
    {"place", "$C 旁边 的 $a $g $S $V 在 $b $h $O 上 。"},
    {"place", "$t $a $g $S 安静 地 $V 在 $C 旁边 的 $b $h $O 上 。"},
    {"place", "$C 后面 的 $b $h $O 上 $V 着 $a $g $S 。"},

    {"opposite", "$S $n $A 。 $s 是 $C 的 。"},
    {"opposite", "因为 $S $n $A ， 所以 我们 说 $s 是 $C 的 。"},
    {"opposite", "$S $n $A ， $O $m $B ， 所以 $s 是 $C 的 。"},
    {"opposite", "$S $n $A ， 但是 $O $m $B 。 $s 是 $C 的 。"},
    {"opposite", "我们 知道 $S $n $A ， 也 知道 $O $m $B 。 $s 是 $C 的 。"},

    {"question", "$S $n $i $V $l $O 。 $s $U $o 了 吗 ？ $Y 。"},
    {"question", "$S $n $i $V $l $O ， $T $r $W $k $Q 。 $s $U $o 了 吗 ？ $Y 。"},
    {"question", "$S $n $i $V $l $O ， 但是 $T $r $W $k $Q 。 $s 呢 ？ $Y 。"},

    {"tense", "$t $S $X $V ， $u $T $Y $W 。"},
    {"tense", "$S $t $X $V ， 但是 $T $u $Y $W 。"},
    {"tense", "$t $N 里 的 $S $X $V 。"},
    {"tense", "$S $t 和 $T $X $V 。"},

    {"event", "$t $N 里 出现 了 $C $D 。"},
    {"event", "$S $t 在 $N 里 看见 了 $C $D 。"},
    {"event", "$C $D 让 $S 吃惊 。"},

    {"action", "$S $t 想 $C $D 。"},
    {"action", "$t $N 里 的 $S 要 $C $D 。"},
    {"action", "$C $D 对 $S 很 难 。"},

    {"receiver", "$A 和 $B 去 了 $N ， $s 把 $O $V 了 $r 。"},
    {"receiver", "$A 和 $B 在 $N 里 。 $t $s 把 $O $V 了 $r 。"},
    {"receiver", "$t $A 在 $N 里 遇见 $B ， $s 把 $O $V 了 $r 。"},
    {"receiver", "$A 和 $B 离开 了 $N ， $s $V 了 $r 一个 $O 。"},

    {"owner", "$A $V 了 $O ， $B $W 了 $Q 。 $F $s $U 了 $x 。"},
    {"owner", "$A $V 了 一个 $O ， $B $W 了 一个 $Q 。 $F 后来 $s $U 了 $x 。"},
    {"owner", "$A $V 了 $O ， $B $W 了 $Q 。 $s $U 了 $x ， $r $u 了 $y 。"},
    {"owner", "$A $V 了 一个 $O ， $B $W 了 一个 $Q 。 后来 $s $U 了 $x ， 但是 $r $u 了 $y 。"},
    {"owner", "$A $V 了 $O ， 而 $B $W 了 $Q 。 $F $x 对 $s 很 重要 。"},
};

}  // namespace

std::span<const GrammarLine> chinese_grammar() {
  return kLines;
}

}  // namespace headlight
