"""What an inspector of the invented city writes down: problem texts by speciality, with their severity and what was done."""

#: speciality → (problem, severity, action taken)
PROBLEMS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "publicity": (
        ("上一年度年度报告未在6月30日前公示", "minor", "责令限期补报"),
        ("登记的联系电话停用，股东出资信息未更新", "minor", "责令限期更正"),
        ("公示的从业人数与社保参保人数明显不符", "significant", "约谈并责令说明"),
    ),
    "product_quality": (
        ("出厂检验记录缺最近两个批次", "significant", "责令改正"),
        ("产品标识未标注执行标准编号", "minor", "当场改正"),
        ("原材料进厂检验报告过期仍在使用", "significant", "责令改正，封存该批原料"),
        ("关键工序作业指导书与现场不一致", "minor", "责令限期改正"),
    ),
    "food_production": (
        ("原料库内食品添加剂未专柜存放、无使用记录", "significant", "责令改正"),
        ("车间防蝇设施损坏", "minor", "当场改正"),
        ("成品留样不足，缺三个批次", "significant", "责令改正"),
        ("在产品中发现超过保质期的原料", "crucial", "立案调查，查封该批原料"),
    ),
    "food_sale": (
        ("货架上有超过保质期的预包装食品", "significant", "下架并登记，责令改正"),
        ("散装食品未标注生产日期", "minor", "当场改正"),
        ("未能提供进货查验记录", "significant", "责令限期改正"),
    ),
    "catering": (
        ("从业人员健康证过期", "significant", "责令离岗办理"),
        ("生熟刀具混用", "significant", "当场改正"),
        ("餐饮具消毒记录不连续", "minor", "责令改正"),
        ("冷藏柜温度高于规定", "minor", "当场改正"),
    ),
    "special_equipment": (
        ("叉车超过定期检验有效期", "crucial", "下达安全监察指令书，停止使用"),
        ("作业人员证件与实际操作人不符", "significant", "责令改正"),
        ("电梯维护保养记录缺一次", "minor", "责令维保单位补正"),
    ),
    "metrology": (
        ("电子秤强制检定证书过期", "significant", "责令停用并送检"),
        ("加油机铅封不完整", "significant", "责令送检"),
    ),
    "agri_product": (
        ("生产记录未记载农药使用日期", "minor", "责令补记"),
        ("未开具承诺达标合格证", "minor", "责令改正"),
    ),
}
OTHER = (
    ("相关管理制度未上墙、台账不完整", "minor", "当场改正"),
    ("检查所需资料未能当场提供", "minor", "责令限期提交"),
    ("许可证载明事项与实际不一致", "significant", "责令改正"),
)


def problems(speciality: str) -> tuple[tuple[str, str, str], ...]:
    """The problems that an item of a speciality may turn up."""
    return PROBLEMS.get(speciality, OTHER)
