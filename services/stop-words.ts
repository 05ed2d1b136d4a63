/*
 * What people say in every conversation, whatever it is about. The lists of the package `stopword` hold what written language is
 * made of; in a chat there are greetings, days of the week, agreement and everyday verbs besides. Each entry stands for all forms
 * that have its stem (stems.ts), so most are given once.
 */

const english = `
  does doing done having whom whose upon shall ought
  yes yeah yep nope okay thanks thank please sorry hello welcome morning evening night tonight today tomorrow yesterday
  january february april june july september october november december
  monday tuesday wednesday thursday friday saturday sunday week weekend month year day hour minute second moment time
  always often sometimes usually never already again soon later early late once twice ever still yet now then
  good great nice fine cool awesome amazing perfect lovely bad better best worse worst sure true right wrong happy glad
  really actually honestly seriously literally basically probably maybe perhaps definitely exactly totally absolutely certainly
  quite pretty rather enough almost simply especially mostly finally suddenly anyway somehow instead otherwise
  anyone anybody someone somebody everyone everybody nobody people guys folks person thing something anything everything nothing
  stuff sort lots bunch couple half whole
  know knew known think thought guess mean meant said says tell told talk talking speak speaking asked asking answer
  look looking looked seen watch watching hear heard feel feeling felt want wanted wanting need needed going gonna wanna gotta
  goes went gone coming getting gets give gives gave given giving takes took taken taking makes making puts putting keep keeps kept
  start starting started stopped stopping tried tries trying used uses using wait waiting waited find found finding
  bring brings bringing brought leave leaving left show shown calls called calling meet meeting love loved loves liked likes
  hope hoping wish believe remember forget forgot happen happened happens seem seems seemed sounds working worked tried
  first last next previous another same different every each both several own able possible
  back away around everywhere somewhere anywhere nowhere together without within across against behind above below along
  though although however therefore whether unless until whenever whatever whoever else except besides during
  three four five seven eight nine eleven twelve twenty hundred thousand
  little small large long short high easy hard full empty yours ours theirs myself yourself herself itself ourselves themselves
  haha hahaha hahahaha lmao wow`

const german = `
  bitte danke dankeschön hallo moin tschüss servus guten morgen abend nacht mittag nachmittag vormittag gestern übermorgen
  januar februar april juni juli september oktober november dezember
  montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag woche wochenende monat minute stunde
  nochmal einmal eigentlich halt vielleicht bestimmt wahrscheinlich genau super toll klasse schön prima okay leider hoffentlich
  ständig oft öfter manchmal selten niemals sofort früh spät eher fast ziemlich ungefähr einfach irgendwas irgendwie irgendwo
  irgendwann irgendwer irgendein leute ding dinge sachen mehrere beste letzte letzten letzter letztes nächste nächsten nächster
  nächstes magst möchtest möchten wäre wären würde weiß weißt denke denkst denkt glaube glaubst glaubt meint meinst finde findet
  findest klingt sieht siehst sehe sehen gesehen schau schaut schauen hört hören gehört komme kommst gekommen gehe gehst gegangen
  nehme nimmst nimmt nehmen genommen gebe geben gibst gegeben bringe bringst bringt bringen gebracht mache machen stehe stehen
  lass lassen lasst lässt liegt liegen bleibe bleibt bleiben brauche brauchst braucht brauchen holt
  sagen sagst heiße heißt kenne kennst kennt treffe treffen fange anfangen fängt frag fragt gefragt probiert versuche versucht
  bisschen paar dran rein raus rauf runter drauf draußen drinnen herein heraus hinaus vorbei überall nirgends vorne hinten
  diesmal jedenfalls sowieso trotzdem außerdem allerdings obwohl sobald solange bevor damit egal klar logisch fertig schnell
  herzlich willkommen`

const french = `
  bonjour bonsoir salut coucou merci plaît matin matinée midi soir soirée nuit journée jour aujourd hui demain hier
  janvier février avril juin juillet septembre octobre novembre décembre
  lundi mardi mercredi jeudi vendredi samedi dimanche semaine mois année heure minute fois moment temps
  toujours jamais souvent parfois encore déjà bientôt tard alors donc ainsi aussi très trop bien mieux mal beaucoup moins plus
  assez presque vraiment exactement franchement peut voilà voici ouais super génial cool parfait sympa bon bonne beau belle
  grand grande petit petite nouveau nouvelle vieux vieille premier première dernier dernière prochain prochaine troisième deuxième
  autre certain certaine chaque plusieurs quelque quelqu chose truc gens personne monde rien tout toute tous toutes
  celui celle ceux celles lequel laquelle quoi comment pourquoi quand combien depuis pendant avant après sous sans chez entre
  vers parmi contre jusque jusqu lorsque puisque parce ici partout ailleurs dehors dedans dessus dessous
  fait fais faites font faut vais allons allez vont aller allé irai viens vient venez viennent venir venu veux veut voulez veulent
  vouloir voudrais voudrait peux pouvez peuvent pouvoir pourrait dois doit devez doivent devoir savoir sait savez voir vois voit
  voyez vues dire dites disent prendre prends prend prenez pris mettre mets mettez donner donne donnez trouver trouve parler parle
  penser pense pensez crois croit croire aime aimes aimer aimez adore adores reste rester arrive arriver passe passer commence
  commencer attends attendre cherche chercher besoin envie accord enfin évidemment notamment surtout plutôt ensuite puis
  deux trois quatre cinq sept huit neuf onze douze vingt trente cent mille`

const russian = `
  привет здравствуйте здравствуй спасибо пожалуйста доброе добрый утро утром вечер вечером день днём дней ночь ночью вчера завтра
  январь февраль март апрель июнь июль август сентябрь октябрь ноябрь декабрь
  понедельник вторник среду четверг пятница суббота воскресенье неделя месяц год лет час минута время времени сейчас скоро
  поздно рано опять снова уже ещё пока просто очень слишком действительно возможно наверное наверно кажется кстати вообще именно
  также хорошо плохо нормально отлично супер круто классно здорово прекрасно ладно давай давайте точно правда
  хороший новый старый большой маленький самый каждый любой следующий последний первый второй третий
  один одна одно одни двое трое четыре пять шесть семь восемь девять десять двадцать тридцать сто тысяча
  мало несколько никто кто-то что-то человек люди людей вещь штука всем всё
  хочу хочешь хочет хотим хотите хотят хотел хотела хотели могу можешь можем можете могут смогу нужно нужен нужна нужны
  знаю знаешь знает знаем знаете знают знать думаю думаешь думает думаете думать считаю говорю говорит говорят говорить говорили
  скажу скажи скажите сказать делаю делаешь делает делать сделать сделаю буду будешь будем будете будут
  иду идёшь идёт идет идём идти пойду пойдём пойти приду придёт придёте прийти пришёл пришла возьму возьмёт взять дайте
  вижу видел видела видели видеть смотрю смотреть посмотреть слышал слышала слышали люблю любишь любит нравится понравилось
  стоит сижу сидим жду ждём ждать стало стал начинается начнётся купил купила купить взял взяла могла
  какой какая какое какие такой такая такое такие этой эту этим этих этими наш наша ваш ваша твой твоя своя свои свою своей мои моей моего чей
  здесь немного договорились помочь помогу поможет помогите получится получилось
  сюда туда оттуда отсюда откуда поэтому почему зачем пусть вместе вокруг около кроме против вроде`

const arabic = `
  مرحبا أهلا سلام عليكم شكرا جزيلا أراك أراكم عفوا فضلك صباح مساء خير النور نعم أجل أيوه طبعا بالطبع ممتاز رائع رائعة جيد جيدة جميل جميلة حلو حلوة
  جدا كثير كثيرا قليل قليلا اليوم أمس غدا الآن بعدين لاحقا مبكرا متأخر دائما أحيانا أبدا مرة مرات أخيرا
  يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
  السبت الأحد الاثنين الثلاثاء الأربعاء الخميس الجمعة أسبوع شهر سنة عام ساعة دقيقة وقت يوم أيام ليلة ليل نهار
  واحد واحدة اثنان اثنين ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة مئة ألف نصف كل بعض
  أين متى كيف لماذا ماذا كذلك أيضا فقط ربما أكيد تماما حقا فعلا لأن لأنه عندي عندك عنده عندها عندنا عندكم
  أنا انت إنت هو هي هذا هذه ذلك تلك هنا هناك علينا عليه إلى
  معي معك معه معنا معكم أنت أنتم نحن أريد تريد يريد نريد تريدون أحب تحب يحب نحب أعرف تعرف يعرف أظن أعتقد قلت قال قالت يقول
  رأيت سمعت كنت كانت كانوا يكون تكون سيكون ستكون سوف ليس ليست لست جماعة شباب ناس شيء أشياء شخص
  جديد جديدة قديم قديمة كبير كبيرة صغير صغيرة أول أولى آخر أخرى قادم قادمة ماضي ماضية نفس بسرعة هيا يلا تعال تعالوا اذهب
  بدون قبل بعد يعني طيب حسنا تمام بالمناسبة جاهز جاهزة ممكن لازم`

const hindi = `
  हाँ हां नहीं जी नमस्ते धन्यवाद शुक्रिया सुप्रभात दोस्त यार भाई दोस्तों यारों अरे वाह चलो चलें चलते ठीक अच्छा बढ़िया बुरा बहुत ज़्यादा ज्यादा कम थोड़ा
  बस सिर्फ़ सिर्फ केवल शायद जरूर ज़रूर सच आज कल परसों अब कभी हमेशा रोज़ रोज सुबह दोपहर शाम रात दिन हफ़्ता हफ्ता महीना साल घंटा मिनट बजे बार
  जनवरी फ़रवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
  शुभ संध्या सब हर लो ले दे जा आ आई हो चल कह सुन खुल लाना लाओ पी खा रख पसंद सबको अपन
  सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार मैं मैंने मुझे मेरा हम हमने हमें हमारा तुम तुमने तुम्हें तुम्हारा आपने आपको आपका उसने
  रहा करो करते करती
  क्या क्यों कब कहाँ कहां कैसा कितना वाला चाहिए चाहता हूँ हूं रहूँ होगा होंगे होऊँ गई गए गयी गया देखा देख देखना देखते सुना सुनो सुनना बोल बोलो बोला
  बताओ बताना बताया पता मालूम लगता लग लगा लगी करूँ करूंगा करेंगे किया कीजिए दीजिए दूँ लेना देना दिया आओ आना आया जाना जाओ जाते जाएँ जाएंगे चला
  मिलेगा मिलना मिला मिलते रखना रखो सकता सकते पहला अगला पिछला आखिरी नया नई नए बड़ा छोटा लोग लोगों चीज़ चीज चीज़ें चीजें बात बातें बातों सालों तीन चार पाँच पांच छह सात आठ नौ दस सौ
  इससे उससे अलग तरफ़ तरफ बाहर शुरू खत्म ख़त्म मत मगर क्योंकि इसलिए`

const japanese = `
  今日 明日 昨日 今朝 今晩 今夜 毎日 週末 来週 今週 先週 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 月曜 火曜 水曜 木曜 金曜 土曜 日曜
  美味 しかっ しょう ましょう 時に
  午前 午後 何時 時間 時半 何か 何も 何で 誰か 誰も 自分 皆さん みんな みなさん おはよう おはようございます こんにちは こんばんは おやすみ ありがとう ありがとうございます
  すみません ごめん ごめんなさい お願い よろしく 了解 大丈夫 本当 本当に 絶対 絶対に 全部 全然 最高 最近 最初 最後 今度 今回 前回 次回 一番 一緒 一緒に 一回 一度
  好き 大好き 嫌い 楽しみ 楽しい 嬉しい 美味しい 美味しかっ おいしい おいしかっ 新しい 古い 大きい 小さい 多い 少ない 良い 良かっ よかった 悪い 高い 安い 早い 遅い 早く
  思い 思っ 思う 思います 行き 行っ 行く 行こう 行ける 来る 来て 来た 食べ 食べる 食べたい 食べた 飲み 飲ん 飲む 飲みたい 見る 見て 見た 言っ 言う 言い 聞い 聞く 知っ 知ら 知る
  買っ 買う 買い 帰る 帰り 待っ 待つ 使う 使っ 使い 出る 入る 入っ 持っ 持ち 始まる 始まり 終わる 終わり 決め 気に なり なります なった
  やっぱり やはり とても すごい すごく ちょっと たくさん もっと ずっと きっと たぶん もちろん いつも どこ どうして どんな なんで なんか そんな こんな あんな そうですね
  だから けれど だけど じゃあ ところで みたい みたいです らしい かもしれない かも知れない でしょう ください くださいね ですよ ですか いいね いいですね`

const chinese = `
  今天 明天 昨天 后天 前天 早上 中午 下午 上午 晚上 周末 上周 下周 这周 星期 周一 周二 周三 周四 周五 周六 周日 星期一 星期二 星期三 星期四 星期五 星期六 星期天
  小时 半个 分钟 时候 时间 现在 以后 之后 之前 以前 刚才 刚刚 已经 还是 还有 还要 还能 一直 一起 一下 一点 一些 一个 一杯 一样 一定 两个 三个 几个 几点
  这个 那个 这些 那些 这么 那么 怎么 怎样 怎么样 什么 为什么 哪里 哪个 哪儿 这里 那里 这儿 那儿 这样 那样 多少 我们 你们 他们 她们 咱们 大家 自己 别人 有人 没人
  没有 没事 可以 可能 应该 必须 需要 不要 不是 不能 不会 不用 不错 不好 不行 不知道 真的 真是 其实 当然 确实 非常 特别 比较 有点 有些 好吃 好喝 好看 好玩 好的 好像
  喜欢 觉得 知道 认为 听说 听起来 看看 看到 看见 想要 打算 准备 开始 结束 过来 过去 起来 出来 出去 回来 回去 进来 进去 下来 上去
  谢谢 感谢 你好 您好 早上好 大家好 晚上好 晚安 再见 拜拜 哈哈 哈哈哈 嘿嘿 呵呵 因为 所以 但是 不过 而且 然后 如果 虽然 或者 的话 对了 对啊 好啊 是的 是不是 有没有 能不能
  大概 差点 差不多 千万 难怪 最近 每天 每次 第一 第二 第三 东西 事情 地方 人家 赶紧 马上 终于 可是 只是 只有 就是 都是 也是 还好 真好 太好了 左右 对了`

/** Chinese signs that stand alone: a sign beside them is no part of a word with them. */
export const lonelySigns = new Set([...`
  我你您他她它们咱的了着过得地是有在和与跟及或就都也还又再很太更最真挺好不没别吗呢吧啊呀哦嗯哈啦嘛么这那哪谁啥几多少个只条杯块元张件次位号点分时年月日天楼岁第
  一二三四五六七八九十百千万亿两半零〇喝吃去来到看买卖要想给叫等坐走做说讲用把被让对从向往为因所以可会能该请找开回出进上下里外前后左右中内
  時分秒何私僕方今度回人`.replace(/\s/gu, '')])

/** Each once, as written. */
export const saidAnyway: readonly string[] = [...new Set([english, german, french, russian, arabic, hindi, japanese, chinese].join(' ').trim().split(/\s+/))]

/** Of the package: numbers and sizes of one language that are things in another. */
export const topicsAfterAll: readonly string[] = ['fire', 'store', 'theo', 'bland', 'elle']
