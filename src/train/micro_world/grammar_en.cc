#include "train/micro_world/rules.h"

namespace headlight {
namespace {

constexpr GrammarLine kLines[] = {
    {"property", "the $a $S $m $n $i $V the $b $O $t because $P $B $d $A ."},
    {"property", "the $a $S $m $n $i $V the $b $O because $P $B $A ."},
    {"property", "the $S near the $N $m $n $i $V the $b $O because $P $B $d $A ."},
    {"property", "because $P $B $d $A , the $a $S $m $n $i $V the $b $O $t ."},
    {"property", "the $b $O $w $q $i $V by the $a $S $t because $P $B $d $A ."},
    {"property", "the $b $O $w $q $i $V by the $S near the $N because $P $B $A ."},
    {"property", "because $P $B $d $A , the $b $O $w $q $i $V by the $a $S ."},
    {"property", "$t the $a $S $m $n $i $V the $b $O . $P $B $d $A ."},

    {"number", "the $a $S $m $n $i $V the $b $O $t because $P $B $d $A ."},
    {"number", "because $P $B $d $A , the $a $S $m $n $i $V the $b $O $t ."},
    {"number", "the $b $O $w $q $i $V by the $a $S $t because $P $B $d $A ."},
    {"number", "$t the $S near the $N $m $n $i $V the $b $O . $P $B $d $A ."},

    {"gender", "$e $S $V $f $O $t because $P was $d $A ."},
    {"gender", "because $P was $d $A , $e $S $V $f $O $t ."},
    {"gender", "$t $e $S $V $f $O near the $N . $P was $d $A ."},
    {"gender", "$e $S from the $N $V $f $O $t because $P was $A ."},

    {"fit", "one was $p and one was $q . the $P saw the $A $S ."},
    {"fit", "what was $p and what was $q ? the $S in the $N was $A ."},
    {"fit", "$t something was $p and something was $q . the $A $S was near the $N ."},
    {"fit", "was it $p or $q ? the $P said that the $S was $A ."},
    {"fit", "the $P liked the $A $S . was it $p or $q ?"},

    {"agreement", "the $a $S near the $b $O $B $A ."},
    {"agreement", "the $a $S in the $N with the $b $O $B $A ."},
    {"agreement", "the $S that the $b $O saw $H eaten the $F ."},
    {"agreement", "now the $a $S behind the $O $B in the $N ."},
    {"agreement", "the $S near the $N and far from the $O $H seen the $F ."},

    {"selection", "the $a $S near the $O $V away $t ."},
    {"selection", "$t the $a $S behind the $O in the $N $V fast ."},
    {"selection", "the $S $V past the $O $t ."},
    {"selection", "not far from the $O the $a $S $V home ."},

    {"object", "the $S with the $C $V the $b $O $t ."},
    {"object", "$t the $S $V the $b $O near the $C ."},
    {"object", "the $S in the $N $V the $b $O and kept the $C ."},
    {"object", "the $S sold the $C and $V the $b $O $t ."},

    {"place", "the $a $S $V on the $b $O $t ."},
    {"place", "the $a $S near the $C $V on the $b $O ."},
    {"place", "$t the $a $S $V quietly on the $b $O beside the $C ."},
    {"place", "on the $b $O behind the $C $V the $a $S ."},

    {"opposite", "the $S is $n $A . the $s is $C ."},
    {"opposite", "because the $S is $n $A , we say that the $s is $C ."},
    {"opposite", "the $S is $n $A and the $O is $b , so the $s is $C ."},
    {"opposite", "the $O is $b but the $S is $n $A . the $s is $C ."},
    {"opposite", "we know that the $S is $n $A and that the $O is $b . so the $s is $C ."},

    {"question", "the $S $m $n $i $V the $O . did the $s $U the $o ? $Y ."},
    {"question",
     "the $S $m $n $i $V the $O and the $T was in the $N . did the $s $U the $o ? $Y ."},
    {"question", "the $T was in the $N but the $S $m $n $i $V the $O . so did it ? $Y ."},

    {"tense", "$t the $S $X $n $V and $u the $T $Y $r $W ."},
    {"tense", "the $S $X $n $V $t but the $T $Y $r $W $u ."},
    {"tense", "$t the $S in the $N $X $n $V ."},
    {"tense", "the $S near the $N $X $n $V with the $T $t ."},

    {"event", "there was $C $D in the $N $t ."},
    {"event", "$t the $S saw $C $D near the $N ."},
    {"event", "the $C $D surprised the $S $t ."},

    {"action", "the $S wanted to $C $D $t ."},
    {"action", "$t the $S from the $N had to $C $D ."},
    {"action", "to $C $D was hard for the $S ."},

    {"receiver", "when $A and $B went to the $N , $s $V a $O to $r ."},
    {"receiver", "$A and $B were in the $N . $t $s $V the $O to $r ."},
    {"receiver", "$t $A met $B near the $N and $s $V the $O to $r ."},
    {"receiver", "after $A and $B left the $N , the $O that $s $V to $r was lost ."},

    {"errand", "$A $V the $O and the $Q . $F $s $W the $x ."},
    {"errand", "$A $V the $O near the $N and the $Q behind it . $F later $s $W the $x ."},
    {"errand", "in the $N $A $V the $O and the $Q . $F at last $s $W the $x ."},
    {"errand", "$A $V the $O and the $P $U the $Q . $F then $s $W the $x ."},
    {"errand", "the $O and the $Q came from $A . $F $s $W the $x ."},
};

}  // namespace

std::span<const GrammarLine> english_grammar() {
  return kLines;
}

}  // namespace headlight
