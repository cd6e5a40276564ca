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

    {"fit", "一个 很 $p ， 一个 很 $q 。 $P 看见 $A 的 $S 。"},
    {"fit", "什么 很 $p ， 什么 很 $q ？ $N 里 的 $S 是 $A 的 。"},
    {"fit", "$t 一个 很 $p ， 一个 很 $q 。 $A 的 $S 在 $N 旁边 。"},
    {"fit", "是 $p 还是 $q ？ $P 说 $S 是 $A 的 。"},
    {"fit", "$P 喜欢 $A 的 $S 。 是 $p 还是 $q ？"},

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
    {"opposite", "$S $n $A ， $O 是 $b 的 ， 所以 $s 是 $C 的 。"},
    {"opposite", "$O 是 $b 的 ， 但是 $S $n $A 。 $s 是 $C 的 。"},
    {"opposite", "我们 知道 $S $n $A ， 也 知道 $O 是 $b 的 。 $s 是 $C 的 。"},

    {"question", "$S $n $i $V $l $O 。 $s $U $o 了 吗 ？ $Y 。"},
    {"question", "$S $n $i $V $l $O ， $T 在 $N 里 。 $s $U $o 了 吗 ？ $Y 。"},
    {"question", "$T 在 $N 里 ， 但是 $S $n $i $V $l $O 。 是 吗 ？ $Y 。"},

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

    {"errand", "$A $V 了 $O 和 $Q 。 $F $s $W 了 $x 。"},
    {"errand", "$A 先 $V 了 $O ， 又 看见 了 $Q 。 $F 后来 $s $W 了 $x 。"},
    {"errand", "在 $N 里 $A $V 了 $O 和 $Q 。 $F 后来 $s $W 了 $x 。"},
    {"errand", "$A $V 了 $O ， $P $U 了 $Q 。 $F 后来 $s $W 了 $x 。"},
    {"errand", "$O 和 $Q 是 $A 的 。 $F $s $W 了 $x 。"},
};

}  // namespace

std::span<const GrammarLine> chinese_grammar() {
  return kLines;
}

}  // namespace headlight
