#include "train/micro_world/lexicon.h"

namespace headlight {
namespace {

constexpr LexiconLine kLines[] = {
    {Kind::animal,
     "animal/animals cat/cats dog/dogs horse/horses cow/cows pig/pigs goat/goats rabbit/rabbits "
     "fox/foxes wolf/wolves bear/bears lion/lions tiger/tigers elephant/elephants monkey/monkeys "
     "camel/camels donkey/donkeys kitten/kittens puppy/puppies panda/pandas"},
    {Kind::carrier,
     "robot/robots machine/machines crane/cranes elephant/elephants gorilla/gorillas bear/bears "
     "camel/camels horse/horses donkey/donkeys monkey/monkeys"},
    {Kind::surface,
     "street/streets road/roads river/rivers bridge/bridges field/fields desert/deserts "
     "valley/valleys highway/highways square/squares path/paths lake/lakes railway/railways"},
    {Kind::height,
     "hill/hills mountain/mountains wall/walls tower/towers ladder/ladders cliff/cliffs "
     "fence/fences roof/roofs slope/slopes"},
    {Kind::thing,
     "box/boxes block/blocks bag/bags stone/stones basket/baskets bottle/bottles chair/chairs "
     "table/tables lamp/lamps suitcase/suitcases barrel/barrels brick/bricks bucket/buckets "
     "parcel/parcels"},
    {Kind::gift, "drink book ball flower ring key ticket gift photo letter map coin"},
    {Kind::food,
     "apple/apples carrot/carrots cake/cakes banana/bananas cookie/cookies potato/potatoes "
     "sandwich/sandwiches pear/pears egg/eggs tomato/tomatoes"},
    {Kind::drink, "milk water juice tea coffee lemonade"},
    {Kind::place,
     "house school shop park garden market station church library museum farm village"},
    {Kind::person,
     "boy/boys girl/girls man/men woman/women teacher/teachers doctor/doctors farmer/farmers "
     "student/students driver/drivers worker/workers singer/singers painter/painters"},
    {Kind::male,
     "boy man king uncle father grandfather brother prince actor waiter husband son nephew"},
    {Kind::female,
     "girl woman queen aunt mother grandmother sister princess actress waitress wife daughter "
     "niece"},
    {Kind::male_name, "John Tom Paul Peter David James Mark Jack Ben Sam Adam Luke Oscar Leo Max"},
    {Kind::female_name,
     "Mary Anna Lisa Emma Sarah Kate Julia Laura Alice Rose Nina Clara Eva Helen Sofia"},
    {Kind::flyer,
     "bird/birds eagle/eagles pigeon/pigeons butterfly/butterflies bee/bees owl/owls crow/crows "
     "swallow/swallows"},
    {Kind::swimmer,
     "whale/whales shark/sharks dolphin/dolphins turtle/turtles swan/swans seal/seals"},
    {Kind::runner,
     "horse/horses zebra/zebras leopard/leopards rabbit/rabbits dog/dogs ostrich/ostriches"},
    {Kind::crawler,
     "snake/snakes worm/worms snail/snails ant/ants caterpillar/caterpillars lizard/lizards"},
    {Kind::reading, "book letter newspaper story magazine poem"},
    {Kind::vehicle, "car truck bus taxi tractor van"},
    {Kind::garment, "hat coat shirt dress scarf jacket"},
    {Kind::instrument, "piano guitar violin flute drum trumpet"},
    {Kind::opening, "door window gate drawer cupboard"},
    {Kind::seat, "mat chair sofa bench cushion stool carpet"},
    {Kind::bed, "bed mattress blanket pillow hammock"},
    {Kind::stage, "stage platform balcony podium rooftop"},
    {Kind::free_adjective,
     "black white brown grey red green blue yellow purple pink big small old"},
    {Kind::animal_adjective,
     "tired hungry thirsty sleepy scared sick lazy angry nervous weak curious brave"},
    {Kind::carrier_adjective, "strong powerful clever careful skilful weak"},
    {Kind::surface_adjective, "wide busy icy muddy flooded crowded narrow dusty"},
    {Kind::height_adjective, "steep high tall slippery rocky"},
    {Kind::thing_adjective, "light heavy fragile sticky hollow"},
    {Kind::food_adjective, "fresh sweet ripe rotten sour salty tasty bitter"},
    {Kind::drink_adjective, "fresh sweet sour bitter creamy cool"},
    {Kind::person_adjective, "kind happy sad late busy honest friendly polite lucky proud"},
    {Kind::antonyms,
     "heavy/light light/heavy hot/cold cold/hot wet/dry dry/wet full/empty empty/full clean/dirty "
     "dirty/clean hard/soft soft/hard cheap/expensive expensive/cheap thick/thin thin/thick "
     "rough/smooth smooth/rough new/old old/new"},
    {Kind::cross, "cross/crossed/crossed"},
    {Kind::climb, "climb/climbed/climbed"},
    {Kind::lift, "lift/lifted/lifted"},
    {Kind::eat, "eat/ate/eaten"},
    {Kind::sip, "drink/drank/drunk"},
    {Kind::greet, "thanked helped called followed met saw invited praised visited greeted"},
    {Kind::buy, "bought found chose got"},
    {Kind::use, "liked cleaned kept sold lost"},
    {Kind::give, "gave handed showed lent sent"},
    {Kind::rest, "run sleep swim sing work play dance eat read walk wait rest"},
    {Kind::fly, "flew/flies/fly"},
    {Kind::swim, "swam/swims/swim"},
    {Kind::run, "ran/runs/run"},
    {Kind::crawl, "crawled/crawls/crawl"},
    {Kind::eat_food, "ate/eats/eat"},
    {Kind::drink_drink, "drank/drinks/drink"},
    {Kind::study, "studied/studies/study"},
    {Kind::drive, "drove/drives/drive"},
    {Kind::wear, "wore/wears/wear"},
    {Kind::play, "played/plays/play"},
    {Kind::open, "opened/opens/open"},
    {Kind::sit, "sat/sits/sit"},
    {Kind::sleep, "slept/sleeps/sleep"},
    {Kind::stand, "stood/stands/stand"},
    {Kind::time, "yesterday in_the_morning last_night on_Monday in_the_evening at_noon again"},
    {Kind::past_time, "yesterday last_night last_week last_year"},
    {Kind::present_time, "now today nowadays currently"},
    {Kind::future_time, "tomorrow next_week next_year next_month"},
    {Kind::filler,
     "the_day_was_long_. nobody_said_a_word_. the_sun_was_bright_. the_music_was_loud_. "
     "many_people_were_there_."},
    {Kind::event_collocation,
     "heavy/rain strong/wind thick/fog bright/sunshine deep/snow loud/thunder"},
    {Kind::action_collocation,
     "make/mistakes do/homework pay/attention take/photos tell/stories keep/secrets ask/questions "
     "save/money brush/teeth ride/bicycles write/letters draw/pictures"},
    {Kind::pronoun, "it/they"},
    {Kind::male_pronoun, "he"},
    {Kind::female_pronoun, "she"},
    {Kind::determiner, "the/the"},
    {Kind::copula, "is/are"},
    {Kind::past_copula, "was/were"},
    {Kind::perfect, "has/have"},
    {Kind::seeming, "seemed/seemed looked/looked became/became"},
    {Kind::negator, "/didn't did/not"},
    {Kind::emphasis, "not/very not/really not/quite"},
    {Kind::softener, "even really ever quite"},
    {Kind::degree, "too so very"},
    {Kind::past_auxiliary, "did"},
    {Kind::present_auxiliary, "does"},
    {Kind::future_auxiliary, "will"},
    {Kind::answer, "yes/no"},
};

}  // namespace

std::span<const LexiconLine> english_lexicon() {
  return kLines;
}

}  // namespace headlight
